#include "device/quirks.h"
#include "base/log.h"
#include <string.h>

/* A row applies if each given part occurs in the device's field. */
static const struct quirk {
    const char *platform, *name;
    unsigned flag;
    const char *what, *seen_on;
} quirks[] = {
    {"Portable Computing Language", NULL, CLCNN_QUIRK_SAVE_AFTER_LAUNCH,
     "compiles a kernel for its work-group size at the first launch, and freezes a program's "
     "binary when it is first asked for: an early one costs 30-60 ms per kernel at every start",
     "pthread-skylake-avx512, pocl 3.1"},
    {"Portable Computing Language", NULL, CLCNN_QUIRK_ONE_QUEUE,
     "aborts (an assertion in pocl_release_dlhandle_cache) when a kernel is launched with a wider "
     "grid than ever before while it runs in another queue: one queue serves all "
     "its sessions and devices",
     "pthread-skylake-avx512, pocl 3.1"},
    {"rusticl", "llvmpipe", CLCNN_QUIRK_LAST_RESORT,
     "a GPU emulated on the CPU, many times slower than a CPU driver",
     "llvmpipe (LLVM 15.0.6, 256 bits), Mesa 22.3.6"},
    {"rusticl", "llvmpipe", CLCNN_QUIRK_WRONG_RESULTS,
     "leaves every loop after 65,535 iterations without a word: results with sums or rows that "
     "are longer for one work-item are wrong; use it for small problems alone",
     "llvmpipe (LLVM 15.0.6, 256 bits), Mesa 22.3.6"},
    {"rusticl", "llvmpipe", CLCNN_QUIRK_NO_LANES,
     "atomics in loops go wrong (tests/device/test_lanes.cpp: tasks are lost)",
     "llvmpipe (LLVM 15.0.6, 256 bits), Mesa 22.3.6"},
    {"Oclgrind", NULL, CLCNN_QUIRK_LAST_RESORT, "an interpreter for debugging kernels",
     "Oclgrind Simulator, Oclgrind 21.10"},
    {"Oclgrind", NULL, CLCNN_QUIRK_ONE_THREAD,
     "crashes in clBuildProgram when two threads build at once (github.com/jrprice/Oclgrind, "
     "issue 28): programs are built one after the other",
     "Oclgrind Simulator, Oclgrind 21.10"},
};

static bool occurs(const char *part, const char *text)
{
    return !part || strstr(text, part) != NULL;
}

static bool applies(const struct quirk *quirk, const struct clcnn_device_info *info)
{
    return occurs(quirk->platform, info->platform) && occurs(quirk->name, info->name);
}

unsigned clcnn_quirks(const struct clcnn_device_info *info)
{
    unsigned flags = 0;
    for (size_t i = 0; i < sizeof(quirks) / sizeof(quirks[0]); i++)
        if (applies(&quirks[i], info))
            flags |= quirks[i].flag;
    return flags;
}

void clcnn_quirks_log(const struct clcnn_device_info *info)
{
    for (size_t i = 0; i < sizeof(quirks) / sizeof(quirks[0]); i++) {
        bool wrong = quirks[i].flag & CLCNN_QUIRK_WRONG_RESULTS;
        if (applies(&quirks[i], info))
            clcnn_logf(wrong ? CLCNN_LOG_WARNING : CLCNN_LOG_DEBUG, "device",
                       "quirk of '%s': %s (seen on %s)", info->name, quirks[i].what,
                       quirks[i].seen_on);
    }
}
