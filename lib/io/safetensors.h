/* The safetensors container: named tensors and a map of strings, in one file.
 *
 *   u64 n, little-endian | n bytes of JSON | data
 *   {"__metadata__": {"k": "v"}, "name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0,
 * 24]}}
 *
 * Offsets count from the end of the header; the tensors cover the data exactly, without overlaps
 * and gaps. Elements are little-endian and row-major. https://huggingface.co/docs/safetensors,
 * github.com/huggingface/safetensors (README, "Format") */
#ifndef CLCNN_IO_SAFETENSORS_H
#define CLCNN_IO_SAFETENSORS_H

#include "base/status.h"
#include <clcnn/tensor.h>

struct clcnn_safetensor {
    const char *name;
    const char *dtype; /* as the format spells it: "F32", "F16", "BF16", "F64", "I32", "U8", ... */
    struct clcnn_shape shape;
    const void *data; /* not aligned when read from a file: copy elements with memcpy */
    size_t bytes;     /* set by reading; ignored by writing */
};

struct clcnn_safetensors_text {
    const char *key, *value;
};

/* What is written: everything belongs to the caller. */
struct clcnn_safetensors_contents {
    const struct clcnn_safetensor *tensors;
    size_t tensor_count;
    const struct clcnn_safetensors_text *metadata;
    size_t metadata_count;
};

/* "F32" of CLCNN_DTYPE_FLOAT32, ...; NULL for a value outside the enum. Static storage. */
const char *clcnn_safetensors_dtype(enum clcnn_dtype dtype);

/* Writes a temporary file beside `path` and renames it: `path` is either the old file or the whole
 * new one. Every tensor's data is aligned to its element size (the first one to 64 bytes).
 * Requires: names and keys distinct, UTF-8 and not "__metadata__"; a dtype of the format.
 * Errors: INVALID_ARGUMENT, IO, OUT_OF_MEMORY. */
enum clcnn_status clcnn_safetensors_write(const char *path,
                                          const struct clcnn_safetensors_contents *contents);

/* A file read whole and checked whole. Never changes, so may be read by several threads. */
struct clcnn_safetensors;

/* Errors: IO; FORMAT: the message says what is wrong and where; OUT_OF_MEMORY. */
enum clcnn_status clcnn_safetensors_read(const char *path, struct clcnn_safetensors **out);
void clcnn_safetensors_destroy(struct clcnn_safetensors **file);

/* The tensors in the order of their data; owned by the file. */
size_t clcnn_safetensors_count(const struct clcnn_safetensors *file);
const struct clcnn_safetensor *clcnn_safetensors_at(const struct clcnn_safetensors *file,
                                                    size_t index);

/* NULL if there is none of that name or key. */
const struct clcnn_safetensor *clcnn_safetensors_find(const struct clcnn_safetensors *file,
                                                      const char *name);
const char *clcnn_safetensors_metadata(const struct clcnn_safetensors *file, const char *key);

/* The tensor called `name`, which must be there with exactly this shape and a floating-point dtype
 * (F32, F16, BF16 or F64). Errors: FORMAT: "has no tensor 'x'", "... has shape (3, 3), (3, 4) is
 * needed", "... has dtype I64, ...". */
enum clcnn_status clcnn_safetensors_need(const struct clcnn_safetensors *file, const char *name,
                                         const struct clcnn_shape *shape,
                                         const struct clcnn_safetensor **out);

/* Its elements as float32 (F64 is rounded to nearest). Requires: a tensor that
 * clcnn_safetensors_need has passed; room for all of its elements. */
void clcnn_safetensor_to_float(const struct clcnn_safetensor *tensor, float *out);

#endif
