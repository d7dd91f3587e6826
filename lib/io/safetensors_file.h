/* The inside of a safetensors file that was read; shared by its reader and its header's parser. */
#ifndef CLCNN_IO_SAFETENSORS_FILE_H
#define CLCNN_IO_SAFETENSORS_FILE_H

#include "io/safetensors.h"

#define CLCNN_SAFETENSORS_METADATA "__metadata__"

/* The format's own limit. */
#define CLCNN_SAFETENSORS_MAX_HEADER 100000000u

struct clcnn_safetensors_entry {
    struct clcnn_safetensor tensor;
    int64_t begin, end; /* data_offsets */
};

struct clcnn_safetensors {
    char *path;
    char *header; /* names, keys and values lie in it */
    unsigned char *data;
    struct clcnn_safetensors_entry *entries; /* in the order of their data */
    size_t count, capacity;
    const struct clcnn_safetensors_entry **by_name;
    struct clcnn_safetensors_text *texts;
    size_t text_count, text_capacity;
};

/* Bytes of an element of a dtype of the format; 0 if it is none. */
size_t clcnn_safetensors_element_size(const char *dtype);

/* Parses file->header, of `header_size` bytes, and checks that its tensors cover `data_size` bytes
 * exactly. Messages begin with "header: " or a tensor's name, not with the path. */
enum clcnn_status clcnn_safetensors_parse(struct clcnn_safetensors *file, size_t header_size,
                                          uint64_t data_size);

#endif
