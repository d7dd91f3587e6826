#include "device/kernels.hpp"
#include "device/log.hpp"
#include "support/child.hpp"
#include "support/files.hpp"
#include <atomic>
#include <csignal>
#include <sys/resource.h>
#include <sys/stat.h>
#include <thread>

extern "C" {
#include "config.h"
#include "device/cache.h"
}

#if HAVE_SQLITE
#include <sqlite3.h>

static struct clcnn_program_info start(const std::string &cache, bool run = true,
                                       const char *options = "-DCACHED")
{
    struct clcnn_device_params params = {};
    params.cache_path = cache.c_str();
    Device device;
    CHECK_OK(clcnn_device_open(&params, &device));
    Kernel affine, sum;
    CHECK_OK(clcnn_kernel_create(device, "test_affine", options, "affine", &affine));
    CHECK_OK(clcnn_kernel_create(device, "test_affine", options, "sum", &sum));
    if (run) {
        Buffer x, y;
        CHECK_OK(clcnn_buffer_create(device, 64, &x));
        CHECK_OK(clcnn_buffer_create(device, 64, &y));
        float ones[16], got[16];
        for (float &v : ones)
            v = 1;
        CHECK_OK(clcnn_buffer_write(x, 0, 64, ones, nullptr));
        struct clcnn_stream s;
        CHECK_OK(clcnn_stream_begin(&s, device, nullptr));
        CHECK_OK(launch(&s, affine, GRID1(2, 8), {BUFFER(x), BUFFER(y), FLOAT(2), FLOAT(3)}));
        CHECK_OK(clcnn_stream_end(&s, CLCNN_STATUS_OK));
        CHECK_OK(clcnn_buffer_read(y, 0, 64, got, nullptr));
        CHECK(got[15] == 5);
    }
    struct clcnn_program_info info;
    clcnn_device_programs(device, &info);
    CHECK(info.loaded_from_binary_dir == 0);
    return info;
}

TEST_CASE("cache: the second start builds nothing", "[cache]")
{
    TemporaryDirectory directory;
    std::string cache = directory.path("deep/er/cache.sqlite");
    for (bool run : {true, false}) {
        const char *options = run ? "-DCACHED=1" : "-DCACHED=2";
        struct clcnn_program_info first = start(cache, run, options);
        CHECK(first.built_from_source == 1);
        CHECK(first.loaded_from_cache == 0);
        CHECK(first.build_seconds > 0);
        struct clcnn_program_info second = start(cache, run, options);
        CHECK(second.built_from_source == 0);
        CHECK(second.loaded_from_cache == 1);
        CHECK(second.build_seconds == 0);
    }
}

TEST_CASE("cache: of two devices with one program, the last to go saves it", "[cache]")
{
    TemporaryDirectory directory;
    std::string cache = directory.path("cache.sqlite");
    struct clcnn_device_params params = {};
    params.cache_path = cache.c_str();
    Device first, second;
    Kernel kernels[2];
    CHECK_OK(clcnn_device_open(&params, &first));
    CHECK_OK(clcnn_device_open(&params, &second));
    CHECK_OK(clcnn_kernel_create(first, "test_affine", "-DSHARED", "affine", &kernels[0]));
    CHECK_OK(clcnn_kernel_create(second, "test_affine", "-DSHARED", "affine", &kernels[1]));
    clcnn_kernel_destroy(&kernels[0]);
    clcnn_device_destroy(&first);
    clcnn_kernel_destroy(&kernels[1]);
    clcnn_device_destroy(&second);
    CHECK(start(cache, false, "-DSHARED").loaded_from_cache == 1);
}

TEST_CASE("cache: a queue that never ends does not keep a device from going", "[cache]")
{
    if (!runs_in_the_background(test_device(CLCNN_DEVICE_CLASS_ANY)))
        return;
    TemporaryDirectory directory;
    std::string cache = directory.path("cache.sqlite");
    struct clcnn_device_params params = {};
    params.cache_path = cache.c_str();
    Device device;
    CHECK_OK(clcnn_device_open(&params, &device));
    Kernel kernel;
    Buffer x;
    CHECK_OK(clcnn_kernel_create(device, "test_affine", "-DHANGING", "affine", &kernel));
    CHECK_OK(clcnn_buffer_create(device, 32, &x));
    cl_int error;
    cl_event gate = clCreateUserEvent(clcnn_device_cl_context(device), &error);
    REQUIRE(error == CL_SUCCESS);
    cl_command_queue queue = clCreateCommandQueue(clcnn_device_cl_context(device),
                                                  clcnn_device_cl_device(device), 0, &error);
    REQUIRE(error == CL_SUCCESS);
    struct clcnn_enqueue enqueue = {};
    enqueue.queue = queue;
    enqueue.num_events_in_wait_list = 1;
    enqueue.event_wait_list = &gate;
    struct clcnn_stream s;
    CHECK_OK(clcnn_stream_begin(&s, device, &enqueue));
    CHECK_OK(launch(&s, kernel, GRID1(1, 8), {BUFFER(x), BUFFER(x), FLOAT(1), FLOAT(1)}));
    CHECK_OK(clcnn_stream_end(&s, CLCNN_STATUS_OK));
    clcnn_kernel_destroy(&kernel);
    clcnn_buffer_destroy(&x);
    clcnn_device_destroy(&device);
    clSetUserEventStatus(gate, CL_COMPLETE);
    CHECK(clFinish(queue) == CL_SUCCESS);
    clReleaseEvent(gate);
    clReleaseCommandQueue(queue);
}

static XXH128_canonical_t key_of(const std::string &name)
{
    XXH128_canonical_t key;
    XXH128_canonicalFromHash(&key, XXH3_128bits(name.data(), name.size()));
    return key;
}

static std::string blob_of(int i)
{
    return std::string(1000 + 997 * (size_t)i, (char)('a' + i % 26));
}

static void put(struct clcnn_cache *cache, const std::string &name, const std::string &blob)
{
    XXH128_canonical_t key = key_of(name);
    clcnn_cache_put(cache, &key, name.c_str(), blob.data(), blob.size());
}

/* "" if it is not there. */
static std::string get(struct clcnn_cache *cache, const std::string &name)
{
    XXH128_canonical_t key = key_of(name);
    void *data = nullptr;
    size_t bytes = 0;
    if (!clcnn_cache_get(cache, &key, &data, &bytes))
        return "";
    std::string blob((const char *)data, bytes);
    free(data);
    return blob;
}

class Cache
{
  public:
    explicit Cache(const std::string &path) : cache_(clcnn_cache_open(path.c_str()))
    {
    }
    ~Cache()
    {
        clcnn_cache_close(&cache_);
    }
    Cache(const Cache &) = delete;
    Cache &operator=(const Cache &) = delete;
    operator struct clcnn_cache *() const
    {
        return cache_;
    }

  private:
    struct clcnn_cache *cache_;
};

static void execute(const std::string &path, const char *sql)
{
    sqlite3 *database = nullptr;
    REQUIRE(sqlite3_open(path.c_str(), &database) == SQLITE_OK);
    REQUIRE(sqlite3_exec(database, sql, nullptr, nullptr, nullptr) == SQLITE_OK);
    sqlite3_close(database);
}

TEST_CASE("cache: keeps, replaces and forgets", "[cache]")
{
    TemporaryDirectory directory;
    std::string path = directory.path("cache.sqlite");
    {
        Cache cache(path), same(path);
        CHECK((struct clcnn_cache *)cache == (struct clcnn_cache *)same);
        CHECK(get(cache, "a") == "");
        put(cache, "a", "first");
        put(cache, "a", "second");
        put(cache, "b", std::string("\0binary\0", 8));
        CHECK(get(same, "a") == "second");
    }
    Cache cache(path);
    CHECK(get(cache, "a") == "second");
    CHECK(get(cache, "b").size() == 8);
    XXH128_canonical_t key = key_of("a");
    clcnn_cache_forget(cache, &key);
    CHECK(get(cache, "a") == "");
    CHECK(get(cache, "b").size() == 8);
    CHECK(clcnn_cache_open("") == nullptr);
    CHECK(get(nullptr, "a") == "");
    put(nullptr, "a", "b");
}

TEST_CASE("cache: a damaged blob is thrown away and built again", "[cache]")
{
    const char *const damages[] = {
        "UPDATE programs SET binary = substr(binary, 1, length(binary) - 1)",
        "UPDATE programs SET binary = CAST(replace(hex(binary), '0', '1') AS BLOB)",
        "UPDATE programs SET checksum = x'00112233445566778899aabbccddeeff'",
        "UPDATE programs SET checksum = NULL",
        "UPDATE programs SET binary = NULL",
    };
    TemporaryDirectory directory;
    std::string path = directory.path("cache.sqlite");
    CHECK(start(path).built_from_source == 1);
    for (const char *damage : damages) {
        INFO(damage);
        execute(path, damage);
        Log log;
        struct clcnn_program_info info = start(path);
        CHECK(info.built_from_source == 1);
        CHECK(info.loaded_from_cache == 0);
        CHECK(log.count("cache", "a damaged program is thrown away") == 1);
        CHECK(start(path).loaded_from_cache == 1);
    }
}

TEST_CASE("cache: a binary that the driver refuses is built again", "[cache]")
{
    struct clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_ANY);
    if (std::string(clcnn_device_info(device)->platform) == "rusticl")
        return; /* panics ("unknown version", Mesa 22.3.6) */
    TemporaryDirectory directory;
    std::string path = directory.path("cache.sqlite");
    CHECK(start(path).built_from_source == 1);
    {
        /* With a right checksum: as an older driver might have left it. */
        sqlite3 *database = nullptr;
        sqlite3_stmt *row = nullptr;
        XXH128_canonical_t key;
        REQUIRE(sqlite3_open(path.c_str(), &database) == SQLITE_OK);
        REQUIRE(sqlite3_prepare_v2(database, "SELECT key FROM programs", -1, &row, nullptr) ==
                SQLITE_OK);
        REQUIRE(sqlite3_step(row) == SQLITE_ROW);
        memcpy(&key, sqlite3_column_blob(row, 0), sizeof(key));
        sqlite3_finalize(row);
        sqlite3_close(database);
        Cache cache(path);
        clcnn_cache_put(cache, &key, "test_affine", "no program", 10);
    }
    Log log;
    struct clcnn_program_info info = start(path);
    CHECK(info.built_from_source == 1);
    CHECK(log.count("cache", "building it again") == 1);
    CHECK(start(path).loaded_from_cache == 1);
}

TEST_CASE("cache: a damaged file is set aside and begun anew", "[cache]")
{
    TemporaryDirectory directory;
    std::string path = directory.path("cache.sqlite");
    {
        Cache cache(path);
        for (int i = 0; i < 20; i++)
            put(cache, std::to_string(i), blob_of(i));
    }
    const std::string good = read_file(path);
    std::string zeroed = good, cut = good.substr(0, good.size() / 2 + 77), noise = good;
    for (size_t i = 4096; i < zeroed.size(); i++)
        zeroed[i] = 0;
    for (size_t i = 16; i < noise.size(); i += 3)
        noise[i] = (char)(noise[i] ^ 0x5A);
    for (const std::string &contents : {std::string("no database at all, but long enough to be "
                                                    "taken for one ....................."),
                                        zeroed, cut, noise}) {
        write_file(path, contents);
        Log log;
        {
            Cache cache(path);
            for (int i = 0; i < 20; i++) {
                std::string found = get(cache, std::to_string(i));
                CHECK((found == "" || found == blob_of(i)));
            }
            put(cache, "new", "blob");
            put(cache, "new", "blob");
            CHECK(get(cache, "new") == "blob");
        }
        CHECK(log.count("cache", "is damaged: kept as") == 1);
        CHECK(read_file(path + ".damaged") == contents);
        Cache again(path);
        CHECK(get(again, "new") == "blob");
    }
    write_file(path, ""); /* what a full disk leaves: a valid empty database */
    CHECK(start(path).built_from_source == 1);
    CHECK(start(path).loaded_from_cache == 1);
}

TEST_CASE("cache: where it is unless a path is given", "[cache]")
{
    TemporaryDirectory directory;
    const std::string none = "-u CLCNN_CACHE -u XDG_CACHE_HOME ", root = directory.path();
    const struct {
        std::string environment, file;
    } cases[] = {
        {"CLCNN_CACHE=" + root + "/a.sqlite XDG_CACHE_HOME=" + root, "a.sqlite"},
        {none + "XDG_CACHE_HOME=" + root + "/b", "b/clcnn/cache.sqlite"},
        {none + "XDG_CACHE_HOME=relative HOME=" + root + "/c", "c/.cache/clcnn/cache.sqlite"},
        {none + "HOME=" + root + "/d", "d/.cache/clcnn/cache.sqlite"},
    };
    for (const auto &c : cases) {
        INFO(c.environment);
        CHECK_CHILD("cache: a start without a path", c.environment);
        CHECK(std::filesystem::exists(directory.path(c.file)));
    }
    CHECK_CHILD("cache: a start without a path",
                none + "-u HOME CLCNN_SAVE_BINARY_DIR=" + directory.path("binaries"));
    CHECK(std::filesystem::exists(directory.path("binaries/test_affine.bin")));
    CHECK_CHILD("cache: a start without a path", "CLCNN_CACHE= XDG_CACHE_HOME=" + root + "/e");
    CHECK(!std::filesystem::exists(directory.path("e/clcnn")));
}

TEST_CASE("cache: a start without a path", "[.child]")
{
    Device device;
    CHECK_OK(clcnn_device_open(nullptr, &device));
    Kernel affine;
    CHECK_OK(clcnn_kernel_create(device, "test_affine", nullptr, "affine", &affine));
}

TEST_CASE("cache: what cannot be opened is a log line", "[cache]")
{
    TemporaryDirectory directory;
    write_file(directory.path("file"), "");
    std::filesystem::create_directory(directory.path("directory"));
    for (const char *name : {"file/cache.sqlite", "directory"}) {
        INFO(name);
        Log log;
        struct clcnn_program_info info = start(directory.path(name));
        CHECK(info.built_from_source == 1);
        CHECK(log.count("cache", "cannot be used") >= 1);
    }
    Log log;
    CHECK(start("").built_from_source == 1);
    CHECK(log.count("cache") == 0);
}

TEST_CASE("cache: a read-only file is read", "[cache]")
{
    TemporaryDirectory directory;
    std::string path = directory.path("cache.sqlite");
    {
        Cache cache(path);
        put(cache, "a", "blob");
    }
    chmod(path.c_str(), 0444);
    chmod(directory.path().c_str(), 0555);
    bool root = geteuid() == 0;
    if (root)
        REQUIRE(seteuid(65534) == 0);
    {
        Log log;
        Cache cache(path);
        CHECK(get(cache, "a") == "blob");
        put(cache, "b", "blob");
        CHECK(log.count("cache", "store: attempt to write a readonly database") == 1);
        CHECK(get(cache, "b") == "");
        CHECK(get(cache, "a") == "blob");
    }
    {
        Log log;
        Cache cache(directory.path("other.sqlite"));
        put(cache, "b", "blob");
        CHECK(log.count("cache", "cannot be used") == 1);
    }
    if (root)
        REQUIRE(seteuid(0) == 0);
    chmod(directory.path().c_str(), 0755);
}

TEST_CASE("cache: several processes and threads at once, one of them killed", "[cache]")
{
    TemporaryDirectory directory;
    std::string environment = "CLCNN_TEST_DIRECTORY=" + directory.path();
    std::vector<child_result> results(3);
    std::vector<std::thread> threads;
    for (child_result &result : results)
        threads.emplace_back(
            [&] { result = run_child("cache: one process of several", environment); });
    child_result killed = run_child("cache: a process that is killed", environment);
    for (std::thread &thread : threads)
        thread.join();
    for (child_result &result : results) {
        INFO(result.output);
        CHECK(result.code == 0);
    }
    CHECK(killed.code == 128 + SIGKILL);
    Cache cache(directory.path("cache.sqlite"));
    for (int i = 0; i < 20; i++)
        CHECK(get(cache, std::to_string(i)) == blob_of(i));
}

TEST_CASE("cache: one process of several", "[.child]")
{
    std::string path = std::string(getenv("CLCNN_TEST_DIRECTORY")) + "/cache.sqlite";
    std::vector<std::thread> threads;
    std::atomic<int> wrong(0);
    for (int t = 0; t < 4; t++)
        threads.emplace_back([&] {
            Cache cache(path);
            for (int i = 0; i < 20; i++) {
                put(cache, std::to_string(i), blob_of(i));
                std::string found = get(cache, std::to_string(i));
                wrong += found != "" && found != blob_of(i);
            }
        });
    for (std::thread &thread : threads)
        thread.join();
    CHECK(wrong == 0);
}

TEST_CASE("cache: a process that is killed", "[.child]")
{
    std::string path = std::string(getenv("CLCNN_TEST_DIRECTORY")) + "/cache.sqlite";
    Cache cache(path);
    std::thread killer([] {
        usleep(100000);
        kill(getpid(), SIGKILL);
    });
    for (int i = 0;; i++)
        put(cache, std::to_string(i % 20), blob_of(i % 20));
}

TEST_CASE("cache: a full disk is a log line", "[cache]")
{
    TemporaryDirectory directory;
    CHECK_CHILD("cache: files cannot grow", "CLCNN_TEST_DIRECTORY=" + directory.path());
}

TEST_CASE("cache: files cannot grow", "[.child]")
{
    std::string path = std::string(getenv("CLCNN_TEST_DIRECTORY")) + "/cache.sqlite";
    Cache cache(path);
    put(cache, "a", "blob");
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit;
    REQUIRE(getrlimit(RLIMIT_FSIZE, &limit) == 0);
    limit.rlim_cur = 64 << 10;
    REQUIRE(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    Log log;
    put(cache, "b", std::string(1 << 20, 'x'));
    CHECK(log.count("cache", "store:") == 1);
    CHECK(get(cache, "b") == "");
    CHECK(get(cache, "a") == "blob");
}

TEST_CASE("cache: tuning results, and devices apart", "[cache]")
{
    TemporaryDirectory directory;
    XXH128_canonical_t one = key_of("one"), two = key_of("two");
    Cache cache(directory.path("cache.sqlite"));
    clcnn_cache_remember(cache, &one, "conv", "direct");
    clcnn_cache_remember(cache, &one, "conv", "winograd");
    CHECK(clcnn_cache_recall(cache, &two, "conv") == nullptr);
    char *value = clcnn_cache_recall(cache, &one, "conv");
    REQUIRE(value);
    CHECK(std::string(value) == "winograd");
    free(value);
    CHECK(clcnn_cache_recall(nullptr, &one, "conv") == nullptr);
    clcnn_cache_remember(nullptr, &one, "conv", "direct");
}
#endif
