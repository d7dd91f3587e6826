/* Where programs come from: the compiler, the cache, a directory of binaries. */
#ifndef CLCNN_DEVICE_OBTAIN_H
#define CLCNN_DEVICE_OBTAIN_H

#include "device/program.h"

/* From the cache, else from source; from the directory where there is no compiler. */
enum clcnn_status clcnn_obtain_from_source(struct clcnn_device *device,
                                           struct clcnn_program *program);

/* From the file <binary_dir>/<clcnn_binary_name>. *found is false if there is no such file; that is
 * an error, which names the file, only if the device has no compiler. */
enum clcnn_status clcnn_obtain_from_directory(struct clcnn_device *device,
                                              struct clcnn_program *program, bool *found);

/* Puts the binary of a program that was built into the cache and into save_binary_dir. */
void clcnn_program_save(struct clcnn_device *device, struct clcnn_program *program);

#endif
