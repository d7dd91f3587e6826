#include "device/kernels.hpp"
#include "support/child.hpp"
#include "support/files.hpp"

extern "C" {
#include "device/binary_name.h"
}

static enum clcnn_status create(struct clcnn_device *device, struct clcnn_kernel **kernel)
{
    return clcnn_kernel_create(device, "test_affine", "-DSIGN=-1 -DNAMED", "affine", kernel);
}

static void run(struct clcnn_device *device, struct clcnn_kernel *kernel)
{
    Guarded x(device, std::vector<float>(8, 1));
    struct clcnn_stream s;
    CHECK_OK(clcnn_stream_begin(&s, device, nullptr));
    CHECK_OK(launch(&s, kernel, GRID1(1, 8), {BUFFER(x), BUFFER(x), FLOAT(3), FLOAT(1)}));
    CHECK_OK(clcnn_stream_end(&s, CLCNN_STATUS_OK));
    CHECK(x.read<float>() == std::vector<float>(8, -4));
}

static void save_to(const std::string &directory, const char *cache)
{
    struct clcnn_device_params params = {};
    params.force_class = CLCNN_DEVICE_CLASS_FPGA;
    params.save_binary_dir = directory.c_str();
    params.cache_path = cache;
    Device device;
    CHECK_OK(clcnn_device_open(&params, &device));
    Kernel kernel;
    CHECK_OK(create(device, &kernel));
    run(device, kernel);
}

TEST_CASE("binaries: readable names", "[binaries]")
{
    struct {
        const char *options, *name;
    } cases[] = {
        {"", "gemm.bin"},
        {"-DTILE=4 -DBIAS", "gemm-TILE=4,BIAS.bin"},
        {"-DA=1.5e-3 -cl-mad-enable", "gemm-A=1.5e-3,-cl-mad-enable.bin"},
    };
    for (auto &c : cases) {
        char *name = nullptr;
        CHECK_OK(clcnn_binary_name("gemm", c.options, &name));
        CHECK(std::string(name) == c.name);
        free(name);
    }
    /* What a file name cannot hold ends in a hash, so that no two options share a name. */
    std::string longer(300, 'x'), names[4];
    const std::string options[4] = {"-DF(x)=x/2", "-DF(x)=x*2", longer + "a", longer + "b"};
    for (int i = 0; i < 4; i++) {
        char *name = nullptr;
        CHECK_OK(clcnn_binary_name("gemm", options[i].c_str(), &name));
        names[i] = name;
        free(name);
        CHECK(names[i].size() < 200);
        CHECK(names[i].find('/') == std::string::npos);
        for (int j = 0; j < i; j++)
            CHECK(names[i] != names[j]);
    }
}

TEST_CASE("binaries: saved by one start, loaded by the next", "[binaries]")
{
    TemporaryDirectory directory;
    std::string binaries = directory.path("made/here"), cache = directory.path("cache.sqlite");
    save_to(binaries, "");
    std::string file = binaries + "/test_affine-SIGN=-1,NAMED.bin";
    CHECK(read_file(file).size() > 100);

    {
        struct clcnn_device_params params = {};
        params.force_class = CLCNN_DEVICE_CLASS_FPGA;
        params.binary_dir = binaries.c_str();
        params.cache_path = "";
        Device device;
        CHECK_OK(clcnn_device_open(&params, &device));
        Kernel kernel, other;
        CHECK_OK(create(device, &kernel));
        CHECK_OK(clcnn_kernel_create(device, "test_affine", nullptr, "affine", &other));
        struct clcnn_program_info info;
        clcnn_device_programs(device, &info);
        CHECK(info.loaded_from_binary_dir == 1);
        CHECK(info.built_from_source == 1); /* it has a compiler for what is missing */
        run(device, kernel);
    }

    /* A program that comes from the cache is written too. */
    save_to(directory.path("second"), cache.c_str());
    save_to(directory.path("third"), cache.c_str());
    CHECK(read_file(directory.path("third/test_affine-SIGN=-1,NAMED.bin")).size() > 100);
}

TEST_CASE("binaries: a directory that cannot be written is no error", "[binaries]")
{
    TemporaryDirectory directory;
    write_file(directory.path("file"), "");
    save_to(directory.path("file/below"), "");
}

TEST_CASE("binaries: an accelerator without a compiler", "[binaries][layers]")
{
    TemporaryDirectory directory;
    save_to(directory.path(), "");
    std::string layer = "OPENCL_LAYERS=" + layer_path("accelerator") + " ";
    std::string saved = directory.path("again");
    CHECK_CHILD("accelerator: with binaries",
                layer + "CLCNN_BINARY_DIR=" + directory.path() + " CLCNN_SAVE_BINARY_DIR=" + saved);
    CHECK(!std::filesystem::exists(saved)); /* nothing but what came from a binary */
    CHECK_CHILD("accelerator: without binaries", layer + "CLCNN_BINARY_DIR= CLCNN_DEVICE=");
}

TEST_CASE("accelerator: with binaries", "[.child]")
{
    Device device;
    CHECK_OK(clcnn_device_open(nullptr, &device));
    const struct clcnn_device_info *info = clcnn_device_info(device);
    REQUIRE(!info->has_compiler);
    CHECK(info->device_class == CLCNN_DEVICE_CLASS_FPGA);
    CHECK(info->vendor == std::string(sizeof(info->vendor) - 1, 'v')); /* cut to its field */
    CHECK(clcnn_device_family(device) == CLCNN_DEVICE_CLASS_CPU);
    Kernel kernel, missing;
    CHECK_OK(create(device, &kernel));
    run(device, kernel);
    struct clcnn_program_info programs;
    clcnn_device_programs(device, &programs);
    CHECK(programs.loaded_from_binary_dir == 1);
    CHECK(programs.built_from_source == 0);
    CHECK(programs.loaded_from_cache == 0);

    CHECK(clcnn_kernel_create(device, "test_affine", "-DOTHER=2", "affine", &missing) ==
          CLCNN_STATUS_DEVICE);
    std::string message = clcnn_error_message(), directory = getenv("CLCNN_BINARY_DIR");
    CHECK(message.find("no prebuilt binary " + directory + "/test_affine-OTHER=2.bin") !=
          std::string::npos);

    if (std::string(info->platform) == "rusticl")
        return; /* panics ("unknown version", Mesa 22.3.6) */
    write_file(directory + "/test_affine-DAMAGED.bin", "no program at all");
    CHECK(clcnn_kernel_create(device, "test_affine", "-DDAMAGED", "affine", &missing) ==
          CLCNN_STATUS_DEVICE);
    message = clcnn_error_message();
    CHECK(message.find("test_affine-DAMAGED.bin") != std::string::npos);
}

TEST_CASE("accelerator: without binaries", "[.child]")
{
    Device device;
    CHECK(clcnn_device_open(nullptr, &device) == CLCNN_STATUS_DEVICE);
    std::string message = clcnn_error_message();
    CHECK(message.find("(FPGA): has no compiler") != std::string::npos);
    CHECK(message.find("CLCNN_BINARY_DIR") != std::string::npos);

    struct clcnn_device_params params = {};
    params.select = "fpga";
    CHECK_OK(clcnn_device_open(&params, &device));
    Kernel kernel;
    CHECK(create(device, &kernel) == CLCNN_STATUS_DEVICE);
    message = clcnn_error_message();
    CHECK(message.find("test_affine-SIGN=-1,NAMED.bin") != std::string::npos);
    CHECK(message.find("CLCNN_BINARY_DIR") != std::string::npos);
}
