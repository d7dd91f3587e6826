/* A convolution as kernel arguments, in the letters of <clcnn/conv2d.h>: x[N][H][W][C],
 * w[K][R][S][C/G], y[N][P][Q][K]; strides, dilation and the padding above and to the left. */
#define SHAPE                                                                                      \
    int N, int H, int W, int C, int K, int R, int S, int P, int Q, int G, int stride_h,            \
        int stride_w, int dilation_h, int dilation_w, int pad_top, int pad_left
