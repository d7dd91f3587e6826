/* What the fuzz targets share. Each target is a file with LLVMFuzzerTestOneInput, linked with
 * libFuzzer, or with replay.c where the compiler has none. Readers of damaged input must return an
 * error: whatever crashes, leaks, overflows, hangs or takes more memory than the fuzzer's limit is a
 * finding. */
#ifndef CLCNN_TESTS_FUZZ_TARGET_H
#define CLCNN_TESTS_FUZZ_TARGET_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A file in memory that holds the data, for readers that want a path; the same path each time. */
const char *fuzz_file(const uint8_t *data, size_t size);

#endif
