/* gemm and dense in float16 storage. */
#include "support/compare.hpp"
#include "support/half.hpp"
#include "support/owned.hpp"

using Gemm = Owned<struct clcnn_gemm, clcnn_gemm_destroy>;
using Dense = Owned<struct clcnn_dense, clcnn_dense_destroy>;

namespace
{

const enum clcnn_dtype half = CLCNN_DTYPE_FLOAT16;

struct gemm_case {
    int m, n, k;
    bool use_bias;
    float alpha, beta;
    int spare; /* elements between rows, beyond their own */
};

std::vector<float> halves(size_t count, unsigned seed)
{
    return round_to_half(test_values(count, seed));
}

/* C = relu(alpha A B^T + beta C + bias) against sums in double: products and sums round as in
 * Higham's lemma 3.1, and C to the nearest half at the end. */
void check_case(struct clcnn_device *device, const gemm_case &c)
{
    const size_t lda = (size_t)(c.k + c.spare), ldc = (size_t)(c.n + c.spare);
    const std::vector<float> a = halves((size_t)c.m * lda, 1), b = halves((size_t)c.n * lda, 2);
    const std::vector<float> before = halves((size_t)c.m * ldc, 3);
    const std::vector<float> bias = test_values((size_t)c.n, 4);
    struct clcnn_gemm_params params = {};
    params.m = c.m;
    params.n = c.n;
    params.k = c.k;
    params.transpose_b = true;
    params.use_bias = c.use_bias;
    params.activation = CLCNN_ACTIVATION_RELU;
    params.storage = half;
    Gemm op;
    CHECK_OK(clcnn_gemm_create(device, &params, &op));
    Guarded ga(device, to_storage(a, half)), gb(device, to_storage(b, half)), shift(device, bias);
    Guarded gc(device, to_storage(before, half));
    Guarded workspace(device, clcnn_gemm_workspace_size(op, false) + 4);
    struct clcnn_gemm_args args = {};
    args.a = ga;
    args.b = gb;
    args.c = gc;
    args.bias = shift;
    args.lda = args.ldb = (int64_t)lda;
    args.ldc = (int64_t)ldc;
    args.alpha = c.alpha;
    args.beta = c.beta;
    args.workspace = workspace;
    CHECK_OK(clcnn_gemm_run(op, &args, nullptr));
    const std::vector<float> got = from_storage(gc.read<unsigned char>(), half);
    std::vector<double> expected = to_double(before), allowed(got.size());
    for (int i = 0; i < c.m; i++)
        for (int j = 0; j < c.n; j++) {
            double sum = 0, size = 0;
            for (int t = 0; t < c.k; t++) {
                double product = (double)a[i * lda + t] * b[j * lda + t];
                sum += product;
                size += std::fabs(product);
            }
            double &y = expected[i * ldc + j], held = c.beta * y;
            double added = c.use_bias ? bias[j] : 0.0;
            y = std::max(c.alpha * sum + held + added, 0.0);
            double error = (c.k + 4) * 1.01 * unit_roundoff *
                           (std::fabs(c.alpha) * size + std::fabs(held) + std::fabs(added));
            allowed[i * ldc + j] = error + half_rounding(y + error);
        }
    check_close(got, expected, [&](size_t i) { return allowed[i]; });
}

} // namespace

TEST_CASE("gemm in half storage: against the definition", "[gemm][half]")
{
    const gemm_case cases[] = {
        {1, 1, 1, false, 1, 0, 0},     {1, 33, 17, true, 1, 0, 0},
        {1, 100, 1000, true, 1, 0, 0}, {3, 7, 64, true, 0.5f, 1, 3},
        {4, 31, 129, false, -1, 0, 1}, {9, 40, 300, true, 1, 0.5f, 0},
        {65, 67, 70, true, 1, 0, 5},   {130, 66, 257, false, 1, 0, 0},
    };
    for (enum clcnn_device_class device_class : test_classes)
        for (const gemm_case &c : cases) {
            INFO(c.m << "x" << c.n << "x" << c.k << " on "
                     << clcnn_device_class_name(device_class));
            check_case(test_device(device_class), c);
        }
}

TEST_CASE("gemm in half storage: what it does not do", "[gemm][half]")
{
    struct clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_CPU);
    struct clcnn_gemm_params params = {};
    params.m = params.n = params.k = 16;
    params.storage = half;
    Gemm op;
    CHECK_FAILS(clcnn_gemm_create(device, &params, &op), CLCNN_STATUS_UNSUPPORTED,
                "cpu: stores float32 alone");
    params.storage = CLCNN_DTYPE_INT32;
    CHECK_INVALID(clcnn_gemm_create(device, &params, &op), "storage int32 (4)");
}

TEST_CASE("dense in half storage", "[dense][half]")
{
    for (enum clcnn_device_class device_class : test_classes)
        for (int batch : {1, 5, 20}) {
            struct clcnn_device *device = test_device(device_class);
            const int features = 130, units = 37;
            struct clcnn_dense_params params = {};
            params.batch = batch;
            params.features = features;
            params.units = units;
            params.use_bias = true;
            params.storage = half;
            Dense op;
            CHECK_FAILS(clcnn_dense_create(device, &params, &op), CLCNN_STATUS_UNSUPPORTED,
                        "dense: what is not inference_only stores float32 alone");
            params.inference_only = true;
            CHECK_OK(clcnn_dense_create(device, &params, &op));
            const std::vector<float> x = test_values((size_t)(batch * features), 1, true);
            const std::vector<float> w = test_values((size_t)(units * features), 2, true);
            const std::vector<float> b = test_values((size_t)units, 3, true);
            Guarded gx(device, to_storage(x, half)), gw(device, to_storage(w, half));
            Guarded gb(device, b), gy(device, (size_t)(batch * units) * 2);
            Guarded workspace(device, clcnn_dense_workspace_size(op) + 4);
            struct clcnn_dense_args args = {};
            args.x = gx;
            args.w = gw;
            args.bias = gb;
            args.y = gy;
            args.workspace = workspace;
            CHECK_OK(clcnn_dense_forward(op, &args, nullptr));
            std::vector<float> expected((size_t)(batch * units));
            for (int n = 0; n < batch; n++)
                for (int u = 0; u < units; u++) {
                    float &y = expected[(size_t)(n * units + u)];
                    y = b[(size_t)u];
                    for (int f = 0; f < features; f++)
                        y += x[(size_t)(n * features + f)] * w[(size_t)(u * features + f)];
                }
            check_same_bits(from_storage(gy.read<unsigned char>(), half), round_to_half(expected));
        }
}
