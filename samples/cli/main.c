/* clcnn: devices, training, prediction and benchmarks from the command line. */
#include "cli.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct command commands[] = {
    {"devices", "", "list the OpenCL devices and say which one would be used", devices_command},
    {"summary", "MODEL|FILE.onnx", "print a model's layers, shapes and parameter counts",
     summary_command},
    {"train", "MODEL|FILE.onnx --data D", "train a model on a data set", train_command},
    {"evaluate", "MODEL --weights W|FILE.onnx --data D", "loss and accuracy on a test set",
     evaluate_command},
    {"predict", "MODEL --weights W|FILE.onnx IMAGE...", "classify pictures", predict_command},
    {"export", "MODEL|FILE.onnx --output FILE", "write a model as ONNX", export_command},
    {"verify", "PATH...", "run ONNX models on their test data and compare", verify_command},
    {"bench", "gemm|conv|train|start", "measure speed on this device", bench_command},
    {0},
};

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        printf("clcnn %s\n", clcnn_version());
        return EXIT_DONE;
    }
    int code = dispatch("clcnn", commands, argc - 1, argv + 1);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "clcnn: standard output cannot be written\n");
        return EXIT_FAILED;
    }
    return code;
}
