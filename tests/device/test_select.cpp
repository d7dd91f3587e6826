#include "device/kernels.hpp"
#include "device/log.hpp"

extern "C" {
#include "device/quirks.h"
#include "device/select.h"
}

namespace
{
struct fake {
    enum clcnn_device_class device_class = CLCNN_DEVICE_CLASS_GPU;
    const char *name = "Card";
    const char *platform = "Vendor";
    int units = 16, mhz = 1000;
    bool unified = false, compiler = true, available = true;
    const char *version = "OpenCL 1.2 x";
    int p = 0, d = 0;
};

struct clcnn_candidate candidate(const fake &f)
{
    struct clcnn_candidate c = {};
    c.available = f.available;
    c.info.device_class = f.device_class;
    c.info.compute_units = f.units;
    c.info.clock_mhz = f.mhz;
    c.info.vector_width = 8;
    c.info.unified_memory = f.unified;
    c.info.has_compiler = f.compiler;
    c.info.platform_index = f.p;
    c.info.device_index = f.d;
    snprintf(c.info.name, sizeof(c.info.name), "%s", f.name);
    snprintf(c.info.platform, sizeof(c.info.platform), "%s", f.platform);
    snprintf(c.info.version, sizeof(c.info.version), "%s", f.version);
    return c;
}

struct selection {
    enum clcnn_status status;
    size_t chosen;
    std::vector<struct clcnn_candidate> list;
    std::string reason(size_t i) const
    {
        return list[i].reason;
    }
};

selection choose(const std::vector<fake> &fakes, const char *select = nullptr,
                 bool has_binaries = false)
{
    selection s = {CLCNN_STATUS_OK, 0, {}};
    for (const fake &f : fakes)
        s.list.push_back(candidate(f));
    struct clcnn_wish wish = {select, "select", has_binaries};
    s.status = clcnn_select(s.list.data(), s.list.size(), &wish, &s.chosen);
    return s;
}

fake make(enum clcnn_device_class device_class, const char *name, int p = 0, int d = 0)
{
    fake f;
    f.device_class = device_class;
    f.name = name;
    f.p = p;
    f.d = d;
    return f;
}
const enum clcnn_device_class GPU = CLCNN_DEVICE_CLASS_GPU, CPU = CLCNN_DEVICE_CLASS_CPU,
                              FPGA = CLCNN_DEVICE_CLASS_FPGA;
} // namespace

TEST_CASE("select: GPU, then FPGA with binaries, then CPU", "[select]")
{
    fake fpga = make(FPGA, "Board");
    fpga.compiler = false;
    std::vector<fake> all = {make(CPU, "Processor"), fpga, make(GPU, "Card")};
    selection s = choose(all, nullptr, true);
    REQUIRE(s.status == CLCNN_STATUS_OK);
    CHECK(s.chosen == 2);
    CHECK(s.reason(0) == "FPGA is preferred to CPU");
    CHECK(s.reason(1) == "GPU is preferred to FPGA");

    all.pop_back();
    CHECK(choose(all, nullptr, true).chosen == 1);
    s = choose(all, nullptr, false);
    CHECK(s.chosen == 0);
    CHECK(s.reason(1).find("CLCNN_BINARY_DIR") != std::string::npos);
    CHECK(choose(all, "fpga", false).chosen == 1);
}

TEST_CASE("select: the faster of one class, and memory of its own first", "[select]")
{
    fake small = make(GPU, "Small"), big = make(GPU, "Big"), shared = make(GPU, "Shared");
    big.units = 20;
    shared.units = 40;
    shared.unified = true;
    selection s = choose({small, big, shared});
    CHECK(s.chosen == 1);
    CHECK(s.reason(0) == "score 64000, 'Big' has 80000");
    CHECK(s.reason(2) == "score 40000, 'Big' has 80000");

    fake unknown = make(GPU, "No clock told");
    unknown.mhz = 0;
    CHECK(choose({unknown}).chosen == 0);
}

TEST_CASE("select: by class, by number, by part of the name", "[select]")
{
    std::vector<fake> all = {make(GPU, "Card A", 0, 0), make(GPU, "Card B", 0, 1),
                             make(CPU, "Fast Processor", 1, 0), make(CPU, "card reader", 12, 3)};
    struct {
        const char *select;
        size_t chosen;
    } cases[] = {{"cpu", 2},    {"CPU", 2},  {"gpu", 0},  {"0:1", 1},   {"12:3", 3},
                 {"card b", 1}, {"PROC", 2}, {"card", 0}, {"reader", 3}};
    for (auto &c : cases) {
        INFO(c.select);
        selection s = choose(all, c.select);
        REQUIRE(s.status == CLCNN_STATUS_OK);
        CHECK(s.chosen == c.chosen);
    }
    CHECK(choose(all, "").chosen == 0);
}

TEST_CASE("select: what cannot be used loses with a reason, and the error lists what there is",
          "[select]")
{
    fake old = make(GPU, "Old"), gone = make(GPU, "Gone", 0, 1);
    old.version = "OpenCL 1.1 Mesa";
    gone.available = false;
    selection s = choose({old, gone, make(CPU, "Processor", 1, 0)});
    CHECK(s.chosen == 2);
    CHECK(s.reason(0) == "'OpenCL 1.1 Mesa': OpenCL 1.2 is needed");
    CHECK(s.reason(1) == "the driver says it is not available");

    s = choose({old, gone});
    CHECK(s.status == CLCNN_STATUS_DEVICE);
    std::string message = clcnn_error_message();
    CHECK(message.find("0:0 'Old' (GPU): 'OpenCL 1.1 Mesa'") != std::string::npos);
    CHECK(message.find("0:1 'Gone' (GPU): the driver") != std::string::npos);

    for (const char *nobody : {"fpga", "7:7", "0:0x", "unknown"}) {
        s = choose({make(CPU, "Processor", 1, 0)}, nobody);
        CHECK(s.status == CLCNN_STATUS_DEVICE);
        message = clcnn_error_message();
        CHECK(message.find(std::string("'") + nobody + "'") != std::string::npos);
        CHECK(message.find("1:0 'Processor' (CPU)") != std::string::npos);
    }
    CHECK(choose({}).status == CLCNN_STATUS_DEVICE);
    CHECK(std::string(clcnn_error_message()) == "device_open: there is no OpenCL device");
}

TEST_CASE("select: an emulated GPU is a last resort", "[select]")
{
    fake emulated = make(GPU, "llvmpipe (LLVM 15.0.6, 256 bits)");
    emulated.platform = "rusticl";
    selection s = choose({emulated, make(CPU, "Processor")});
    CHECK(s.chosen == 1);
    CHECK(s.reason(0) == "is a last resort, 'Processor' is not");
    CHECK(choose({emulated}).chosen == 0);
    CHECK(choose({make(CPU, "Processor"), emulated}, "llvm").chosen == 1);
}

TEST_CASE("select: each candidate is logged", "[select]")
{
    Log log;
    choose({make(GPU, "Card"), make(CPU, "Processor", 1, 2)});
    CHECK(log.count("device") == 2);
    CHECK(log.count("device", "0:0 'Card' (GPU, Vendor) is chosen") == 1);
    CHECK(log.count("device", "1:2 'Processor' (CPU, Vendor) lost: GPU is preferred to CPU") == 1);
}

TEST_CASE("quirks belong to their drivers", "[select]")
{
    struct clcnn_device_info info = candidate(make(CPU, "pthread-haswell")).info;
    CHECK(clcnn_quirks(&info) == 0);
    snprintf(info.platform, sizeof(info.platform), "Portable Computing Language");
    CHECK(clcnn_quirks(&info) == (CLCNN_QUIRK_SAVE_AFTER_LAUNCH | CLCNN_QUIRK_ONE_QUEUE));
    Log log(CLCNN_LOG_DEBUG);
    clcnn_quirks_log(&info);
    CHECK(log.count("device", "seen on pthread-skylake-avx512, pocl 3.1") == 2);
    snprintf(info.platform, sizeof(info.platform), "Oclgrind");
    CHECK(clcnn_quirks(&info) == (CLCNN_QUIRK_LAST_RESORT | CLCNN_QUIRK_ONE_THREAD));
}
