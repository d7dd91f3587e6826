/* Devices and buffers: find, select, open; memory on the device.
 *
 * A device bundles an OpenCL context, a default command queue, the kernels built for it, a pool of
 * buffers and the program cache. Everything made from it keeps it alive, so it may be destroyed
 * first. A device and its buffers may be used from any thread.
 *
 * Applications that own an OpenCL context, queue or cl_mem use <clcnn/opencl.h> as well.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLCNN_DEVICE_H
#define CLCNN_DEVICE_H

#include <clcnn/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct clcnn_device;
struct clcnn_buffer;
struct clcnn_enqueue; /* <clcnn/opencl.h>: queue, wait list, event; NULL = the default queue */

enum clcnn_device_class {
    CLCNN_DEVICE_CLASS_ANY = 0,
    CLCNN_DEVICE_CLASS_GPU,
    CLCNN_DEVICE_CLASS_CPU,
    CLCNN_DEVICE_CLASS_FPGA,
};

/* What is known of a device. Strings are cut to their fields, always terminated. */
struct clcnn_device_info {
    int platform_index, device_index; /* the "P:D" of CLCNN_DEVICE; -1 for an imported device */
    enum clcnn_device_class device_class;
    char name[128], vendor[64], platform[64], version[64], driver[64];
    int compute_units;
    int clock_mhz;
    int vector_width;         /* floats per vector in the CPU family's kernels: 4, 8 or 16 */
    size_t max_work_group;    /* work-items */
    uint64_t global_bytes;    /* all of the device's memory */
    uint64_t max_alloc_bytes; /* one buffer at most */
    uint64_t local_bytes;
    bool local_is_dedicated; /* local memory is not ordinary memory */
    bool unified_memory;     /* shares its memory with the host */
    bool has_compiler;       /* builds OpenCL C; false: needs prebuilt binaries */
    bool has_fp16, has_fp64;
};

/* Zero (or a NULL pointer) means the default for each. */
struct clcnn_device_params {
    /* Which device: "gpu", "cpu", "fpga", "P:D" (platform:device as printed by `clcnn devices`) or
     * part of the device's or platform's name, case-insensitive. NULL: the environment variable
     * CLCNN_DEVICE, else the best: GPU, then FPGA with usable binaries, then CPU. */
    const char *select;
    /* Treat the device as one of this class whatever it reports (to test GPU kernels on a CPU). */
    enum clcnn_device_class force_class;
    /* Program cache file. NULL: CLCNN_CACHE, else $XDG_CACHE_HOME/clcnn/cache.sqlite (or under
     * ~/.cache). "": no cache on disk. A cache that can't be used is a log line, never an error. */
    const char *cache_path;
    /* Directory of prebuilt program binaries for devices without a compiler. NULL:
     * CLCNN_BINARY_DIR. */
    const char *binary_dir;
    /* Directory to write the binary of every program into that did not come from binary_dir, under
     * the name expected there: "<program>[-<options>].bin". Run the application once with this to
     * make such a directory. NULL: CLCNN_SAVE_BINARY_DIR, else none. Written at the latest when
     * the device goes. */
    const char *save_binary_dir;
    /* Record the time of every kernel (clcnn_device_profile). Costs a few us a launch. */
    bool profile;
};

struct clcnn_memory_info {
    uint64_t in_use_bytes; /* asked for by live buffers now; wrapped ones do not count */
    uint64_t peak_bytes;   /* most ever in use since open or the last reset */
    uint64_t pooled_bytes; /* freed, kept for the next buffer */
};

struct clcnn_program_info {
    int built_from_source, loaded_from_cache, loaded_from_binary_dir;
    double build_seconds; /* time spent in the driver's compiler, summed over threads */
};

struct clcnn_profile_entry {
    char kernel[64];
    uint64_t launches;
    double total_seconds;
};

/* Lists every OpenCL device of every platform; *infos is freed with clcnn_free.
 * A platform that fails is a log line. No platform at all gives count 0, not an error.
 * As clcnn_device_open, it sets POCL_AFFINITY=1 in the process's environment if that is not set and
 * all cores are the process's: pocl's threads then keep to a core each, else short kernels may run
 * on half of the cores.
 * Thread-safe (but for the environment). Errors: INVALID_ARGUMENT, OUT_OF_MEMORY. */
CLCNN_API enum clcnn_status clcnn_device_list(struct clcnn_device_info **infos, size_t *count);

/* Opens a device: NULL params mean the defaults. Thread-safe. The caller destroys it. Each
 * candidate and the reason it lost is logged (topic "device", level INFO). Each call gives a device
 * of its own; where the driver cannot bear a kernel in two queues (pocl), those opened on one
 * OpenCL device share its context and queue, and so wait for each other's work.
 * Errors: DEVICE (none found or none matches: the message lists what there is), INVALID_ARGUMENT,
 * OUT_OF_MEMORY. */
CLCNN_API enum clcnn_status clcnn_device_open(const struct clcnn_device_params *params,
                                              struct clcnn_device **out);

/* Gives up the caller's hold and sets *device to NULL; NULL is allowed. Work already enqueued
 * completes. The OpenCL objects go when the last buffer, op, session and trainer has gone. */
CLCNN_API void clcnn_device_destroy(struct clcnn_device **device);

/* The facts; owned by the device. `device_class` is the forced one if forced. */
CLCNN_API const struct clcnn_device_info *clcnn_device_info(const struct clcnn_device *device);

/* "GPU", "CPU", "FPGA"; "any" for every other value. Static storage. */
CLCNN_API const char *clcnn_device_class_name(enum clcnn_device_class device_class);

/* BLOCKS until everything enqueued on the default queue is done. Errors: INVALID_ARGUMENT,
 * DEVICE. */
CLCNN_API enum clcnn_status clcnn_device_finish(struct clcnn_device *device);

/* Bytes of buffers now, and at most since the device was opened or the peak was reset; programs
 * obtained since it was opened. *info is zeroed if device is NULL. */
CLCNN_API void clcnn_device_memory(struct clcnn_device *device, struct clcnn_memory_info *info);
CLCNN_API void clcnn_device_memory_reset_peak(struct clcnn_device *device);
CLCNN_API void clcnn_device_programs(struct clcnn_device *device, struct clcnn_program_info *info);

/* Time per kernel since the device was opened or the last reset, longest first; BLOCKS until
 * the default queue is done, and leaves out launches on other queues that still run. *entries is
 * freed with clcnn_free.
 * Requires: the device was opened with profile = true. Errors: INVALID_ARGUMENT, DEVICE. */
CLCNN_API enum clcnn_status clcnn_device_profile(struct clcnn_device *device,
                                                 struct clcnn_profile_entry **entries,
                                                 size_t *count);
CLCNN_API void clcnn_device_profile_reset(struct clcnn_device *device);

/* Memory on the device, contents undefined. Comes from the pool where a freed buffer fits; where
 * the device is full, what is pooled is given up, which may wait for work that still uses it.
 * Requires: bytes > 0. Errors: INVALID_ARGUMENT; OUT_OF_MEMORY, which says how much was wanted, how
 * much is in use and the device's limits. The buffer keeps the device alive. */
CLCNN_API enum clcnn_status clcnn_buffer_create(struct clcnn_device *device, size_t bytes,
                                                struct clcnn_buffer **out);

/* Returns it to the pool once work enqueued on it is done; sets *buffer to NULL; NULL allowed. */
CLCNN_API void clcnn_buffer_destroy(struct clcnn_buffer **buffer);

/* The size it was made with; 0 of NULL. */
CLCNN_API size_t clcnn_buffer_bytes(const struct clcnn_buffer *buffer);

/* Copy `bytes` from/to host memory, starting `offset` bytes into the buffer. Both BLOCK until the
 * copy is done. `enqueue` may be NULL (default queue, no waits).
 * Requires: offset + bytes <= the buffer's size. Errors: INVALID_ARGUMENT, DEVICE. */
CLCNN_API enum clcnn_status clcnn_buffer_write(struct clcnn_buffer *buffer, size_t offset,
                                               size_t bytes, const void *source,
                                               const struct clcnn_enqueue *enqueue);
CLCNN_API enum clcnn_status clcnn_buffer_read(const struct clcnn_buffer *buffer, size_t offset,
                                              size_t bytes, void *target,
                                              const struct clcnn_enqueue *enqueue);

#ifdef __cplusplus
}
#endif
#endif
