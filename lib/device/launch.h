/* What operations see of OpenCL: kernels, argument lists, launches. No OpenCL type appears here. */
#ifndef CLCNN_DEVICE_LAUNCH_H
#define CLCNN_DEVICE_LAUNCH_H

#include "base/status.h"
#include <clcnn/device.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- devices --------------------------------------------------------------------------------- */

/* One more hold on the device; clcnn_device_destroy gives it up. */
struct clcnn_device *clcnn_device_retain(struct clcnn_device *device);

/* The class whose kernels and tiles apply (the forced class, if any; never ANY). FPGA uses the
 * CPU's kernel family: one work-item per work-group. */
enum clcnn_device_class clcnn_device_family(const struct clcnn_device *device);

/* Puts the programs built so far into the cache, if they are not there yet. It happens by itself
 * when the device goes. Until then it is safe only while no kernel of these programs runs, in any
 * queue, context and thread of the process: pocl 3.1 counts the users of a kernel's machine code by
 * a key that a request for its binary shares, and aborts when one of them finishes (an assertion in
 * pocl_release_dlhandle_cache). May take 0.1 s per program on pocl. */
void clcnn_device_save_programs(struct clcnn_device *device);

/* ---- kernels --------------------------------------------------------------------------------- */

/* A kernel of an embedded program (cl/<program>.cl) built with options ("-DTILE=4 ..."; part of the
 * program's identity, so always spelled the same way). The object is a private clone: it belongs to
 * one op and is launched by one thread at a time. It keeps the device alive.
 * Without deferral, the call waits for the build and reports its failure with the compiler's
 * log. */
struct clcnn_kernel;
enum clcnn_status clcnn_kernel_create(struct clcnn_device *device, const char *program,
                                      const char *options, const char *name,
                                      struct clcnn_kernel **out);
void clcnn_kernel_destroy(struct clcnn_kernel **kernel);

/* Between defer and flush, this thread's clcnn_kernel_create returns at once and the programs build
 * in parallel in the background; flush waits for them and reports the first failure. Calls nest:
 * only the outermost flush waits. Kernels that failed to build stay unusable and may be
 * destroyed. */
void clcnn_kernel_defer(struct clcnn_device *device);
enum clcnn_status clcnn_kernel_flush(struct clcnn_device *device);

/* ---- buffers --------------------------------------------------------------------------------- */

/* Public handle and view in one. Kernels receive `memory` and a byte offset; see cl/common.cl. */
struct clcnn_buffer {
    struct clcnn_device *device;
    void *memory;                         /* cl_mem */
    size_t offset, bytes;                 /* the part of it that is this buffer */
    struct clcnn_buffer_storage *storage; /* shared with its slices */
};

/* A part of a buffer, by value: valid as long as the buffer, never destroyed. A slice that does not
 * fit is caught by clcnn_buffer_check at the op's entry, not here. */
static inline struct clcnn_buffer clcnn_buffer_slice(const struct clcnn_buffer *buffer,
                                                     size_t offset, size_t bytes)
{
    struct clcnn_buffer slice = *buffer;
    slice.offset += offset;
    slice.bytes = bytes;
    return slice;
}

/* INVALID_ARGUMENT unless the buffer exists, belongs to the device's context and holds at least
 * `bytes`: "conv2d: x has 400 bytes, 512 are needed". */
enum clcnn_status clcnn_buffer_check(const struct clcnn_device *device,
                                     const struct clcnn_buffer *buffer, size_t bytes,
                                     const char *op, const char *name);

/* True if the two share at least one byte. */
bool clcnn_buffer_overlap(const struct clcnn_buffer *a, const struct clcnn_buffer *b);

/* ---- streams: where an op's launches go ------------------------------------------------------ */

/* One public call of an op: opened with the caller's enqueue (may be NULL), then any number of
 * launches that run one after another (also on an out-of-order queue), then closed, which hands out
 * the event. Lives on the stack:
 *
 *     struct clcnn_stream s;
 *     TRY(clcnn_stream_begin(&s, device, enqueue));
 *     TRY(clcnn_launch(&s, op->kernel, GRID1(n, 64), ARGS(BUFFER(x), BUFFER(y), LONG(n))));
 * done:
 *     return clcnn_stream_end(&s, status);
 *
 * clcnn_stream_end passes `status` on if it is an error, and is also allowed after a failed begin
 * and on a zeroed stream. */
struct clcnn_stream {
    struct clcnn_device *device;
    void *queue; /* cl_command_queue */
    const struct clcnn_enqueue *enqueue;
    void *last;   /* cl_event of the last command, if one was needed */
    void *before; /* cl_event that a nested call waits for */
    bool chain;   /* the queue is out-of-order */
    bool started; /* the wait list has been handed over */
};
enum clcnn_status clcnn_stream_begin(struct clcnn_stream *stream, struct clcnn_device *device,
                                     const struct clcnn_enqueue *enqueue);
enum clcnn_status clcnn_stream_end(struct clcnn_stream *stream, enum clcnn_status status);

/* An enqueue that continues the stream: to call another op's public function inside this one. The
 * inner call runs after the stream's earlier launches and before its later ones. */
enum clcnn_status clcnn_stream_nest(struct clcnn_stream *stream, struct clcnn_enqueue *storage,
                                    const struct clcnn_enqueue **nested);

/* The storage, for whom struct clcnn_enqueue is incomplete; freed with free(). */
enum clcnn_status clcnn_enqueue_create(struct clcnn_enqueue **out);

/* To be called for each buffer that a command enqueued by other means uses, on the stream's queue:
 * freed memory is reused when the commands that are known to use it are done. */
void clcnn_stream_use(struct clcnn_stream *stream, const struct clcnn_buffer *buffer);

/* Copy between host and buffer as part of the stream without waiting: host memory must stay valid
 * until the stream's work has finished. */
enum clcnn_status clcnn_stream_write(struct clcnn_stream *stream, const struct clcnn_buffer *buffer,
                                     size_t offset, size_t bytes, const void *source);
enum clcnn_status clcnn_stream_read(struct clcnn_stream *stream, const struct clcnn_buffer *buffer,
                                    size_t offset, size_t bytes, void *target);
/* Fills bytes with a 4-byte pattern. */
enum clcnn_status clcnn_stream_fill(struct clcnn_stream *stream, const struct clcnn_buffer *buffer,
                                    size_t offset, size_t bytes, uint32_t pattern);

/* ---- arguments and launches ------------------------------------------------------------------ */

enum clcnn_arg_kind {
    CLCNN_ARG_BUFFER,
    CLCNN_ARG_INT,
    CLCNN_ARG_LONG,
    CLCNN_ARG_FLOAT,
    CLCNN_ARG_LOCAL,
    CLCNN_ARG_DATA,
    CLCNN_ARG_LANES
};

struct clcnn_arg {
    enum clcnn_arg_kind kind;
    union {
        const struct clcnn_buffer *buffer;
        int32_t i;
        int64_t l;
        float f;
        size_t local;
        struct {
            const void *start;
            size_t bytes;
        } data;
    } value;
};

#ifndef __cplusplus /* the tests have functions of these names */
/* BUFFER becomes two kernel arguments, the memory and its byte offset (BUFFER(NULL) passes NULL and
 * 0); LOCAL is local memory of that many bytes; DATA is a struct, passed by value; LANES are the
 * words of cl/lanes.cl, NULL on a queue whose launches may overlap. */
#define BUFFER(b) ((struct clcnn_arg){.kind = CLCNN_ARG_BUFFER, .value.buffer = (b)})
#define INT(v)    ((struct clcnn_arg){.kind = CLCNN_ARG_INT, .value.i = (int32_t)(v)})
#define LONG(v)   ((struct clcnn_arg){.kind = CLCNN_ARG_LONG, .value.l = (int64_t)(v)})
#define FLOAT(v)  ((struct clcnn_arg){.kind = CLCNN_ARG_FLOAT, .value.f = (float)(v)})
#define LOCAL(n)  ((struct clcnn_arg){.kind = CLCNN_ARG_LOCAL, .value.local = (n)})
#define DATA(s)   ((struct clcnn_arg){.kind = CLCNN_ARG_DATA, .value.data = {&(s), sizeof(s)}})
#define LANES()   ((struct clcnn_arg){.kind = CLCNN_ARG_LANES})
#define ARGS(...)                                                                                  \
    (const struct clcnn_arg[]){__VA_ARGS__},                                                       \
        sizeof((const struct clcnn_arg[]){__VA_ARGS__}) / sizeof(struct clcnn_arg)
#endif

/* Work-groups per dimension (not work-items: sizes are then always multiples) and their size. A
 * count of 0 launches nothing. */
struct clcnn_grid {
    int64_t groups[3];
    int local[3];
};
#ifndef __cplusplus
#define GRID1(gx, lx)                 ((struct clcnn_grid){{(gx), 1, 1}, {(lx), 1, 1}})
#define GRID2(gx, gy, lx, ly)         ((struct clcnn_grid){{(gx), (gy), 1}, {(lx), (ly), 1}})
#define GRID3(gx, gy, gz, lx, ly, lz) ((struct clcnn_grid){{(gx), (gy), (gz)}, {(lx), (ly), (lz)}})
#endif

enum clcnn_status clcnn_launch(struct clcnn_stream *stream, struct clcnn_kernel *kernel,
                               struct clcnn_grid grid, const struct clcnn_arg *args, size_t count);

/* ---- queues ---------------------------------------------------------------------------------- */

/* An in-order queue of a session's own. A device imported with an in-order queue gives that one,
 * and a driver that cannot bear several gives the device's. */
struct clcnn_queue;
enum clcnn_status clcnn_queue_create(struct clcnn_device *device, struct clcnn_queue **out);
void clcnn_queue_destroy(struct clcnn_queue **queue);
/* For an op's enqueue parameter; owned by the queue. */
const struct clcnn_enqueue *clcnn_queue_enqueue(const struct clcnn_queue *queue);
enum clcnn_status clcnn_queue_finish(struct clcnn_queue *queue);

/* A point behind everything enqueued so far, to be waited for without draining the queue. Marking
 * starts the work before it and forgets an earlier point; waiting for no point returns at once. */
struct clcnn_mark {
    void *event; /* cl_event; NULL = none */
};
enum clcnn_status clcnn_queue_mark(struct clcnn_queue *queue, struct clcnn_mark *mark);
enum clcnn_status clcnn_mark_wait(struct clcnn_mark *mark);
void clcnn_mark_clear(struct clcnn_mark *mark);

/* ---- tuning results -------------------------------------------------------------------------- */

/* Small strings kept in the program cache per device, driver and kernel sources. recall: *value is
 * NULL if there is none; freed with free(). Failures of the cache are log lines. */
void clcnn_device_remember(struct clcnn_device *device, const char *key, const char *value);
void clcnn_device_recall(struct clcnn_device *device, const char *key, char **value);

#endif
