#include "ref/loss.hpp"
#include "support/compare.hpp"
#include "support/owned.hpp"

using Loss = Owned<struct clcnn_loss, clcnn_loss_destroy>;

namespace
{

const enum clcnn_loss_kind sparse = CLCNN_LOSS_KIND_SPARSE_CATEGORICAL_CROSSENTROPY,
                           categorical = CLCNN_LOSS_KIND_CATEGORICAL_CROSSENTROPY,
                           binary = CLCNN_LOSS_KIND_BINARY_CROSSENTROPY,
                           squared = CLCNN_LOSS_KIND_MEAN_SQUARED_ERROR;

struct totals {
    float sum, compensation;
    uint32_t correct, samples;
};

struct loss_case {
    enum clcnn_loss_kind kind = sparse;
    int batch = 1, units = 1;
    bool logits = false;
    float scale = 0;
};

struct loss_data {
    std::vector<float> x, t; /* t[N][U], also for sparse */
    std::vector<int32_t> labels;
};

struct loss_result {
    std::vector<float> loss, dx;
    struct totals totals;
};

loss_data make_data(const loss_case &c)
{
    size_t count = (size_t)c.batch * (size_t)c.units;
    loss_data d = {test_values(count, 1), test_values(count, 2), {}};
    bool classes = c.kind == sparse || c.kind == categorical;
    std::vector<double> p = ref_softmax(to_double(d.x), (size_t)c.units);
    for (size_t i = 0; i < count; i++) {
        if (c.kind == squared || c.logits)
            d.x[i] *= 8;
        else
            d.x[i] = classes ? (float)p[i] : d.x[i] * 0.5f + 0.5f;
        if (classes)
            d.t[i] = d.t[i] * 0.5f + 0.5f; /* any weights: the sum need not be 1 */
        else if (c.kind == binary)
            d.t[i] = d.t[i] > 0;
    }
    for (int n = 0; n < c.batch; n++) {
        int label = (n * 7919 + 3) % c.units;
        d.labels.push_back(label);
        for (int u = 0; u < c.units && c.kind == sparse; u++)
            d.t[(size_t)(n * c.units + u)] = u == label;
    }
    return d;
}

loss_result run(struct clcnn_device *device, const loss_case &c, loss_data d)
{
    d.t.resize(d.x.size());
    d.labels.resize((size_t)c.batch);
    struct clcnn_loss_params params = {c.kind, c.batch, c.units, c.logits};
    Loss op;
    CHECK_OK(clcnn_loss_create(device, &params, &op));
    Guarded x(device, d.x), t(device, d.t), labels(device, d.labels);
    Guarded loss(device, Guarded::poison((size_t)c.batch)), dx(device, Guarded::poison(d.x.size()));
    Guarded totals(device, std::vector<struct totals>(1));
    struct clcnn_loss_args args = {};
    args.x = x;
    args.target = c.kind == sparse ? labels : t;
    args.loss = loss;
    args.dx = dx;
    args.totals = totals;
    args.scale = c.scale;
    CHECK_OK(clcnn_loss_run(op, &args, nullptr));
    return {loss.read<float>(), dx.read<float>(), totals.read<struct totals>()[0]};
}

/* The bounds add up, in units of the last place: exp and log 3, division 2.5, log1p 2, one per sum
 * and product, a sum of U terms U/4 + 8; relative to the size of the terms. */
void check_case(struct clcnn_device *device, const loss_case &c)
{
    INFO(clcnn_loss_kind_name(c.kind)
         << " N" << c.batch << " U" << c.units << " logits " << c.logits << " scale " << c.scale);
    loss_data d = make_data(c);
    loss_result got = run(device, c, d);
    double scale = c.scale == 0 ? 1.0 / c.batch : (double)c.scale, ulp = 2 * unit_roundoff;
    double sum_ulps = c.units / 4.0 + 8, total = 0;
    uint32_t correct = 0;
    std::vector<double> loss, dx, loss_size, dx_size;
    for (int n = 0; n < c.batch; n++) {
        auto row = [&](const std::vector<float> &v) {
            auto first = v.begin() + (ptrdiff_t)n * c.units;
            return std::vector<double>(first, first + c.units);
        };
        std::vector<double> x = row(d.x), t = row(d.t);
        ref_loss r = ref_loss_row(c.kind, c.logits, x, t);
        double weight = 0, terms = 0;
        for (int u = 0; u < c.units; u++) {
            size_t i = (size_t)u;
            weight += std::fabs(t[i]);
            terms += std::fabs(t[i] * x[i]) + std::fabs(x[i]) + 1;
        }
        loss.push_back(r.loss);
        /* logits and their differences are at most 16 */
        loss_size.push_back(std::fabs(r.loss) + (c.kind == categorical || c.kind == sparse
                                                     ? weight * 20
                                                     : terms / c.units));
        for (int u = 0; u < c.units; u++) {
            size_t i = (size_t)u;
            bool classes = c.kind == sparse || c.kind == categorical;
            double size = classes && c.logits ? 20 * weight * std::fabs(r.dx[i] + t[i]) / weight
                                              : std::fabs(r.dx[i]);
            dx.push_back(scale * r.dx[i]);
            dx_size.push_back(std::fabs(scale) *
                              (size + (c.logits ? std::fabs(t[i]) + 1.0 / c.units : 0)));
        }
        total += r.loss;
        correct += r.correct;
    }
    check_close(got.loss, loss, [&](size_t i) { return (sum_ulps + 8) * ulp * loss_size[i]; });
    check_close(got.dx, dx, [&](size_t i) { return (sum_ulps + 12) * ulp * dx_size[i]; });
    double sum = 0, size = 0;
    for (size_t i = 0; i < got.loss.size(); i++) {
        sum += (double)got.loss[i];
        size += std::fabs((double)got.loss[i]);
    }
    CHECK((double)got.totals.sum == Approx(sum).margin(2 * ulp * size).epsilon(0));
    CHECK(got.totals.correct == correct);
    CHECK(got.totals.samples == (uint32_t)c.batch);
    check_same_bits(got.dx, run(device, c, d).dx);
}

} // namespace

TEST_CASE("loss: every kind against the reference", "[loss]")
{
    for (enum clcnn_device_class device_class : test_classes) {
        struct clcnn_device *device = test_device(device_class);
        int width = clcnn_device_info(device)->vector_width;
        for (enum clcnn_loss_kind kind : {sparse, categorical, binary, squared})
            for (bool logits : {false, true})
                for (int units : {1, 2, width - 1, width, width + 1, 10, 64, 65, 1000})
                    if (units > 0 && !(logits && kind == squared)) {
                        check_case(device, {kind, 7, units, logits});
                        check_case(device, {kind, 1, units, logits, 0.25f});
                    }
        check_case(device, {sparse, 64, 10, true});
        check_case(device, {sparse, 1031, 10, true});
        check_case(device, {categorical, 259, 33, false});
    }
}

TEST_CASE("loss: Keras's values", "[loss]")
{
    /* keras.losses.*: documentation's examples */
    for (enum clcnn_device_class device_class : test_classes) {
        struct clcnn_device *device = test_device(device_class);
        loss_data d = {{0.05f, 0.95f, 0, 0.1f, 0.8f, 0.1f}, {}, {1, 2}};
        std::vector<float> loss = run(device, {sparse, 2, 3}, d).loss;
        CHECK(loss[0] == Approx(0.0513).margin(1e-4));
        CHECK(loss[1] == Approx(2.303).margin(1e-3));
        d.t = {0, 1, 0, 0, 0, 1};
        loss = run(device, {categorical, 2, 3}, d).loss;
        CHECK(loss[0] == Approx(0.0513).margin(1e-4));
        CHECK(loss[1] == Approx(2.303).margin(1e-3));
        d = {{-18.6f, 0.51f, 2.94f, -12.8f}, {0, 1, 0, 0}, {}};
        CHECK(run(device, {binary, 1, 4, true}, d).loss[0] == Approx(0.865).margin(1e-3));
        d = {{0.6f, 0.4f, 0.4f, 0.6f}, {0, 1, 0, 0}, {}};
        loss = run(device, {binary, 2, 2}, d).loss;
        CHECK(loss[0] == Approx(0.916).margin(1e-3));
        CHECK(loss[1] == Approx(0.714).margin(1e-3));
        d = {{1, 1, 1, 0}, {0, 1, 0, 0}, {}};
        CHECK(run(device, {squared, 2, 2}, d).loss == std::vector<float>{0.5f, 0.5f});
    }
}

TEST_CASE("loss: extremes", "[loss]")
{
    for (enum clcnn_device_class device_class : test_classes) {
        struct clcnn_device *device = test_device(device_class);
        /* Logits far apart: the loss is their difference, and its gradient is exact. */
        loss_data d = {{1000, -1000, 0, -1000, 1000, 0}, {}, {0, 0}};
        loss_result r = run(device, {sparse, 2, 3, true, 1}, d);
        CHECK(r.loss == std::vector<float>{0, 2000});
        CHECK(r.dx == std::vector<float>{0, 0, 0, -1, 1, 0});
        CHECK(r.totals.correct == 1);
        d.t = {1, 0, 0, 1, 0, 0};
        CHECK(run(device, {categorical, 2, 3, true, 1}, d).dx == r.dx);
        /* A masked class. */
        d = {{-INFINITY, 0, 0}, {0, 1, 0}, {1}};
        CHECK(run(device, {categorical, 1, 3, true, 1}, d).loss[0] == Approx(std::log(2.0)));
        CHECK(run(device, {sparse, 1, 3, true, 1}, d).dx == std::vector<float>{0, -0.5f, 0.5f});
        /* Probabilities outside the clip: a finite loss, no gradient. */
        d = {{0, 1, 0, 1}, {1, 0, 0, 1}, {0, 1}};
        r = run(device, {sparse, 2, 2}, d);
        CHECK(r.loss[0] == Approx(-std::log(1e-7)).epsilon(1e-5));
        CHECK(r.dx == std::vector<float>(4, 0));
        r = run(device, {binary, 2, 2}, d);
        CHECK(r.loss[0] == Approx(-std::log(1e-7)).epsilon(1e-1));
        CHECK(r.dx == std::vector<float>(4, 0));
        /* Sigmoid's logits. */
        d = {{500, -500, 500, -500}, {1, 0, 0, 1}, {}};
        r = run(device, {binary, 2, 2, true, 1}, d);
        CHECK(r.loss == std::vector<float>{0, 500});
        CHECK(r.dx == std::vector<float>{0, 0, 0.5f, -0.5f});
        CHECK(r.totals.correct == 1);
    }
}

TEST_CASE("loss: a label outside the classes, and NaN", "[loss]")
{
    for (enum clcnn_device_class device_class : test_classes)
        for (bool logits : {false, true}) {
            struct clcnn_device *device = test_device(device_class);
            std::vector<float> row = {0.25f, 0.5f, 0.25f};
            loss_data d = {{}, {}, {-1, 1, 3, INT32_MAX, INT32_MIN}};
            for (int n = 0; n < 5; n++)
                d.x.insert(d.x.end(), row.begin(), row.end());
            loss_result r = run(device, {sparse, 5, 3, logits}, d);
            for (size_t n = 0; n < 5; n++)
                for (size_t u = 0; u < 3; u++) {
                    CHECK(std::isnan(r.loss[n]) == (n != 1));
                    CHECK(std::isnan(r.dx[n * 3 + u]) == (n != 1));
                }
            CHECK(r.totals.correct == 1);
            d = {{NAN, 1, 0, 0, 1, 0}, {0, 1, 0, 0, 1, 0}, {1, 1}};
            for (enum clcnn_loss_kind kind : {sparse, categorical, binary}) {
                r = run(device, {kind, 2, 3, logits}, d);
                bool reached = kind == binary || logits; /* clipped probabilities stand alone */
                CHECK(std::isnan(r.loss[0]) == reached);
                CHECK(!std::isnan(r.loss[1]));
                CHECK(r.totals.samples == 2);
            }
        }
}

TEST_CASE("loss: equal maxima, the first one counts", "[loss]")
{
    for (enum clcnn_device_class device_class : test_classes) {
        struct clcnn_device *device = test_device(device_class);
        loss_data d = {std::vector<float>(2 * 130, 0), std::vector<float>(2 * 130, 0), {70, 99}};
        for (size_t u : {70, 99, 130 + 70, 130 + 99})
            d.x[u] = 1;
        d.t[70] = d.t[130 + 99] = 1;
        CHECK(run(device, {sparse, 2, 130, true}, d).totals.correct == 1);
        CHECK(run(device, {categorical, 2, 130, true}, d).totals.correct == 1);
    }
}

TEST_CASE("loss: totals over calls, with a batch below the planned one", "[loss]")
{
    for (enum clcnn_device_class device_class : test_classes) {
        struct clcnn_device *device = test_device(device_class);
        struct clcnn_loss_params params = {squared, 100, 3, false};
        Loss op;
        CHECK_OK(clcnn_loss_create(device, &params, &op));
        std::vector<float> x(300, 0.1f), zeros(300, 0);
        Guarded input(device, x), target(device, zeros), sums(device, std::vector<totals>(1));
        Guarded loss(device, Guarded::poison(100)), dx(device, Guarded::poison(300));
        struct clcnn_loss_args args = {};
        args.x = input;
        args.target = target;
        args.loss = loss;
        args.totals = sums;
        for (int call = 0; call < 400; call++)
            CHECK_OK(clcnn_loss_run(op, &args, nullptr));
        args.batch = 37;
        args.dx = dx;
        loss.write(Guarded::poison(100));
        CHECK_OK(clcnn_loss_run(op, &args, nullptr));
        totals sum = sums.read<totals>()[0];
        CHECK(sum.samples == 40037);
        CHECK(sum.correct == 0);
        std::vector<float> losses = loss.read<float>(), gradient = dx.read<float>();
        CHECK(std::isnan(losses[37]));
        CHECK(std::isnan(gradient[37 * 3]));
        CHECK(gradient[37 * 3 - 1] == Approx(2 * 0.1 / 3 / 37));
        /* 40037 equal terms: without the compensation the error would be a hundred times that */
        CHECK((double)sum.sum ==
              Approx(40037.0 * (double)losses[0]).epsilon(3 * unit_roundoff).margin(0));
    }
}

TEST_CASE("loss: gradients of the reference by finite differences", "[loss]")
{
    for (enum clcnn_loss_kind kind : {categorical, binary, squared})
        for (bool logits : {false, true}) {
            std::vector<double> x = {0.2, 0.35, 0.45}, t = {0.1, 0.7, 0.5};
            ref_loss r = ref_loss_row(kind, logits, x, t);
            for (size_t i = 0; i < x.size(); i++) {
                std::vector<double> above = x, below = x;
                above[i] += 1e-6;
                below[i] -= 1e-6;
                double difference = ref_loss_row(kind, logits, above, t).loss -
                                    ref_loss_row(kind, logits, below, t).loss;
                CHECK(r.dx[i] == Approx(difference / 2e-6).margin(1e-7));
            }
        }
}

TEST_CASE("loss: names", "[loss]")
{
    CHECK(std::string(clcnn_loss_kind_name(sparse)) == "sparse_categorical_crossentropy");
    CHECK(std::string(clcnn_loss_kind_name(categorical)) == "categorical_crossentropy");
    CHECK(std::string(clcnn_loss_kind_name(binary)) == "binary_crossentropy");
    CHECK(std::string(clcnn_loss_kind_name(squared)) == "mean_squared_error");
    CHECK(std::string(clcnn_loss_kind_name((enum clcnn_loss_kind)4)) == "unknown");
}

TEST_CASE("loss: what create refuses", "[loss]")
{
    struct clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_ANY);
    const struct clcnn_loss_params good = {sparse, 4, 3, true};
    struct clcnn_loss_params p = good;
    Loss op;
    auto refused = [&](enum clcnn_status status, const char *text) {
        CHECK_FAILS(clcnn_loss_create(device, &p, &op), status, text);
        CHECK((struct clcnn_loss *)op == nullptr);
        p = good;
    };
    CHECK_INVALID(clcnn_loss_create(nullptr, &p, &op), "device or params is NULL");
    CHECK_INVALID(clcnn_loss_create(device, nullptr, &op), "device or params is NULL");
    CHECK_INVALID(clcnn_loss_create(device, &p, nullptr), "out is NULL");
    p.kind = (enum clcnn_loss_kind)4, refused(CLCNN_STATUS_INVALID_ARGUMENT, "4 is no loss");
    p.batch = 0, refused(CLCNN_STATUS_INVALID_ARGUMENT, "batch=0");
    p.batch = -4, refused(CLCNN_STATUS_INVALID_ARGUMENT, "batch=-4");
    p.units = 0, refused(CLCNN_STATUS_INVALID_ARGUMENT, "units=0");
    p.units = -3, refused(CLCNN_STATUS_INVALID_ARGUMENT, "units=-3");
    p.units = (1 << 24) + 1, refused(CLCNN_STATUS_INVALID_ARGUMENT, "units=16777217");
    p.kind = squared, refused(CLCNN_STATUS_UNSUPPORTED, "mean_squared_error has no logits");
}

TEST_CASE("loss: what a call refuses", "[loss]")
{
    struct clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_ANY);
    const struct clcnn_loss_params params = {categorical, 4, 3, true};
    Loss op;
    CHECK_OK(clcnn_loss_create(device, &params, &op));
    Guarded x(device, 48), t(device, 48), loss(device, 16), dx(device, 48), totals(device, 16);
    Guarded small(device, 12);
    struct clcnn_loss_args good = {};
    good.x = x;
    good.target = t;
    good.loss = loss;
    struct clcnn_loss_args a = good;
    auto refused = [&](const char *text) {
        CHECK_INVALID(clcnn_loss_run(op, &a, nullptr), text);
        a = good;
    };
    CHECK_INVALID(clcnn_loss_run(nullptr, &a, nullptr), "op or args is NULL");
    CHECK_INVALID(clcnn_loss_run(op, nullptr, nullptr), "op or args is NULL");
    a.batch = 5, refused("batch 5 is not in 1..4");
    a.batch = -1, refused("batch -1");
    a.scale = NAN, refused("scale");
    a.scale = INFINITY, refused("scale");
    a.x = nullptr, refused("loss: x");
    a.x = small, refused("loss: x");
    a.target = nullptr, refused("loss: target");
    a.target = small, refused("loss: target");
    a.loss = nullptr, refused("loss: loss");
    a.loss = small, refused("loss: loss");
    a.totals = small, refused("loss: totals");
    a.dx = small, refused("loss: dx");
    a.dx = x, refused("x and an output share memory");
    a.loss = x, refused("x and an output share memory");
    a.totals = x, refused("x and an output share memory");
    a.loss = t, refused("target and an output share memory");
    a.dx = t, refused("target and an output share memory");
    a.totals = t, refused("target and an output share memory");
    a.dx = a.loss = dx, refused("dx and loss share memory");
    a.totals = loss, refused("totals and loss share memory");
    a.totals = a.dx = dx, refused("dx and totals share memory");
    CHECK_OK(clcnn_loss_run(op, &good, nullptr));

    /* Labels are one a row, whatever the number of classes. */
    const struct clcnn_loss_params labels = {sparse, 4, 3, true};
    Loss by_label;
    CHECK_OK(clcnn_loss_create(device, &labels, &by_label));
    good.target = small;
    CHECK_INVALID(clcnn_loss_run(by_label, &good, nullptr), "loss: target has 12 bytes, 16 are");
    good.batch = 3;
    CHECK_OK(clcnn_loss_run(by_label, &good, nullptr));
}
