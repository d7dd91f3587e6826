#include "support/compare.hpp"
#include "support/owned.hpp"

using Optimizer = Owned<struct clcnn_optimizer, clcnn_optimizer_destroy>;

namespace
{

const enum clcnn_optimizer_kind sgd = CLCNN_OPTIMIZER_KIND_SGD,
                                rmsprop = CLCNN_OPTIMIZER_KIND_RMSPROP,
                                adam = CLCNN_OPTIMIZER_KIND_ADAM;

struct optimizer_case {
    struct clcnn_optimizer_params params;
    const char *slots[2];
};

/* Keras's formulas in double, with every constant as the float it is given as. */
struct ref_optimizer {
    struct clcnn_optimizer_params p;
    double w, slot[2] = {0, 0};

    double value(float given, float standard) const
    {
        return (double)(given == 0 ? standard : given);
    }
    void step(int t, double lr, double g)
    {
        double m = (double)p.momentum, rho = value(p.rho, 0.9f), epsilon = value(p.epsilon, 1e-7f);
        double b1 = value(p.beta_1, 0.9f), b2 = value(p.beta_2, 0.999f);
        if (p.kind == sgd) {
            slot[0] = m * slot[0] - lr * g;
            w += p.nesterov ? m * slot[0] - lr * g : slot[0];
        } else if (p.kind == rmsprop) {
            slot[0] = rho * slot[0] + (1 - rho) * g * g;
            slot[1] = m * slot[1] + lr * g / std::sqrt(slot[0] + epsilon);
            w -= slot[1];
        } else {
            slot[0] = b1 * slot[0] + (1 - b1) * g;
            slot[1] = b2 * slot[1] + (1 - b2) * g * g;
            double rate = lr * std::sqrt(1 - std::pow(b2, t)) / (1 - std::pow(b1, t));
            w -= rate * slot[0] / (std::sqrt(slot[1]) + epsilon);
        }
    }
};

std::vector<optimizer_case> cases()
{
    auto params = [](enum clcnn_optimizer_kind kind, float lr, float momentum, bool nesterov) {
        struct clcnn_optimizer_params p = {};
        p.kind = kind;
        p.learning_rate = lr;
        p.momentum = momentum;
        p.nesterov = nesterov;
        return p;
    };
    std::vector<optimizer_case> all = {
        {params(sgd, 0, 0, false), {}},
        {params(sgd, 0.1f, 0.9f, false), {"momentum"}},
        {params(sgd, 0.1f, 0.9f, true), {"momentum"}},
        {params(rmsprop, 0, 0, false), {"accumulator"}},
        {params(rmsprop, 0.01f, 0.5f, false), {"accumulator", "momentum"}},
        {params(adam, 0, 0, false), {"m", "v"}},
        {params(rmsprop, 0.002f, 0, false), {"accumulator"}},
        {params(adam, 0.01f, 0, false), {"m", "v"}},
    };
    all[6].params.rho = 0.75f;
    all[6].params.epsilon = 1e-3f;
    all[7].params.beta_1 = 0.5f;
    all[7].params.beta_2 = 0.9f;
    all[7].params.epsilon = 1e-4f;
    return all;
}

/* The weights after each of a few steps, device and reference. */
void check_case(struct clcnn_device *device, const optimizer_case &c, int64_t count)
{
    INFO(clcnn_optimizer_kind_name(c.params.kind)
         << " momentum " << c.params.momentum << " nesterov " << c.params.nesterov << " count "
         << count);
    Optimizer op;
    CHECK_OK(clcnn_optimizer_create(device, &c.params, count, &op));
    int slot_count = clcnn_optimizer_slot_count(op);
    REQUIRE(slot_count == (c.slots[0] != nullptr) + (c.slots[1] != nullptr));
    for (int i = 0; i < slot_count; i++)
        CHECK(std::string(clcnn_optimizer_slot_name(op, i)) == c.slots[i]);
    CHECK(clcnn_optimizer_slot_name(op, slot_count) == nullptr);
    CHECK(clcnn_optimizer_slot_name(op, -1) == nullptr);

    size_t size = (size_t)count;
    std::vector<float> weights = test_values(size, 1), zeros(size, 0.0f);
    Guarded w(device, weights), g(device, zeros), first(device, zeros), second(device, zeros);
    struct clcnn_buffer *slots[] = {first, second};
    std::vector<ref_optimizer> reference;
    for (float weight : weights)
        reference.push_back({c.params, (double)weight});
    double standard = c.params.kind == sgd ? (double)0.01f : (double)0.001f;
    double rate = c.params.learning_rate == 0 ? standard : (double)c.params.learning_rate;
    std::vector<double> expected(size), travelled(size);
    for (int t = 1; t <= 5; t++) {
        float override = t == 4 ? 0.05f : 0;
        std::vector<float> gradient = test_values(size, (unsigned)t + 1);
        g.write(gradient);
        CHECK_OK(
            clcnn_optimizer_step(op, t, override, w, g, slot_count ? slots : nullptr, nullptr));
        for (size_t i = 0; i < size; i++) {
            double before = reference[i].w;
            reference[i].step(t, t == 4 ? (double)0.05f : rate, (double)gradient[i]);
            expected[i] = reference[i].w;
            travelled[i] += std::fabs(expected[i] - before);
        }
        /* Each step rounds the weight once and its change by some ten ulp of what it is made of:
         * the momentum's terms are at most ten times the change, and those of Adam's mean may
         * cancel. */
        check_close(w.read<float>(), expected, [&](size_t i) {
            double terms = travelled[i] + t * 10 * std::max(rate, 0.05);
            return t * 2 * unit_roundoff * (std::fabs(expected[i]) + 1 + 10 * terms);
        });
    }
    CHECK(w.read<float>() != weights);
}

} // namespace

TEST_CASE("optimizer: several steps against the reference", "[optimizer]")
{
    for (enum clcnn_device_class device_class : test_classes) {
        struct clcnn_device *device = test_device(device_class);
        int64_t width = clcnn_device_info(device)->vector_width;
        for (const optimizer_case &c : cases())
            for (int64_t count : {(int64_t)1, width - 1, width, width + 1, (int64_t)67,
                                  (int64_t)9001, (int64_t)65536})
                if (count > 0)
                    check_case(device, c, count);
    }
}

TEST_CASE("optimizer: exact steps", "[optimizer]")
{
    for (enum clcnn_device_class device_class : test_classes) {
        struct clcnn_device *device = test_device(device_class);
        struct clcnn_optimizer_params p = {};
        p.learning_rate = 0.5f;
        p.momentum = 0.5f;
        auto after_two = [&](bool nesterov) {
            p.nesterov = nesterov;
            Optimizer op;
            CHECK_OK(clcnn_optimizer_create(device, &p, 1, &op));
            Guarded w(device, std::vector<float>{8}), g(device, std::vector<float>{4});
            Guarded v(device, std::vector<float>{0});
            struct clcnn_buffer *slots[] = {v};
            for (int t = 1; t <= 2; t++)
                CHECK_OK(clcnn_optimizer_step(op, t, 0, w, g, slots, nullptr));
            return w.read<float>()[0];
        };
        CHECK(after_two(false) == 8 - 2 - 3);
        CHECK(after_two(true) == 8 - 3 - 3.5f);
    }
}

TEST_CASE("optimizer: the same bits twice", "[optimizer]")
{
    for (enum clcnn_device_class device_class : test_classes) {
        struct clcnn_device *device = test_device(device_class);
        struct clcnn_optimizer_params p = {};
        p.kind = adam;
        std::vector<float> results[2], zeros(1003, 0.0f);
        for (std::vector<float> &result : results) {
            Optimizer op;
            CHECK_OK(clcnn_optimizer_create(device, &p, 1003, &op));
            Guarded w(device, test_values(1003, 1)), g(device, test_values(1003, 2));
            Guarded first(device, zeros), second(device, zeros);
            struct clcnn_buffer *slots[] = {first, second};
            for (int t = 1; t <= 3; t++)
                CHECK_OK(clcnn_optimizer_step(op, t, 0, w, g, slots, nullptr));
            result = w.read<float>();
        }
        check_same_bits(results[0], results[1]);
    }
}

TEST_CASE("optimizer: a gradient of zero", "[optimizer]")
{
    std::vector<float> weights = test_values(100, 1), zeros(100, 0.0f);
    for (enum clcnn_device_class device_class : test_classes)
        for (const optimizer_case &c : cases()) {
            Optimizer op;
            struct clcnn_device *device = test_device(device_class);
            CHECK_OK(clcnn_optimizer_create(device, &c.params, 100, &op));
            Guarded w(device, weights), g(device, zeros), a(device, zeros), b(device, zeros);
            struct clcnn_buffer *slots[] = {a, b};
            CHECK_OK(clcnn_optimizer_step(op, 1, 0, w, g, slots, nullptr));
            CHECK(w.read<float>() == weights);
        }
}

TEST_CASE("optimizer: names", "[optimizer]")
{
    CHECK(std::string(clcnn_optimizer_kind_name(sgd)) == "sgd");
    CHECK(std::string(clcnn_optimizer_kind_name(rmsprop)) == "rmsprop");
    CHECK(std::string(clcnn_optimizer_kind_name(adam)) == "adam");
    CHECK(std::string(clcnn_optimizer_kind_name((enum clcnn_optimizer_kind)3)) == "unknown");
}

TEST_CASE("optimizer: what create refuses", "[optimizer]")
{
    struct clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_ANY);
    struct clcnn_optimizer_params p = {};
    Optimizer op;
    int64_t count = 10;
    auto refused = [&](const char *text) {
        CHECK_INVALID(clcnn_optimizer_create(device, &p, count, &op), text);
        CHECK((struct clcnn_optimizer *)op == nullptr);
        p = {};
        count = 10;
    };
    CHECK_INVALID(clcnn_optimizer_create(nullptr, &p, 10, &op), "device or params is NULL");
    CHECK_INVALID(clcnn_optimizer_create(device, nullptr, 10, &op), "device or params is NULL");
    CHECK_INVALID(clcnn_optimizer_create(device, &p, 10, nullptr), "out is NULL");
    p.kind = (enum clcnn_optimizer_kind)3, refused("3 is no optimizer");
    count = 0, refused("count=0");
    count = -1, refused("count=-1");
    count = INT64_MAX, refused("too large");
    p.learning_rate = -0.1f, refused("learning_rate=-0.1");
    p.learning_rate = INFINITY, refused("learning_rate=inf");
    p.learning_rate = NAN, refused("learning_rate=");
    p.epsilon = -1, refused("epsilon=-1");
    p.epsilon = NAN, refused("epsilon=");
    p.momentum = 1, refused("momentum=1");
    p.momentum = -0.5f, refused("momentum=-0.5");
    p.momentum = NAN, refused("momentum=");
    p.rho = 1, refused("rho=1");
    p.rho = -0.5f, refused("rho=-0.5");
    p.beta_1 = NAN, refused("beta_1=");
    p.beta_1 = 1, refused("beta_1=1");
    p.beta_2 = 1.5f, refused("beta_2=1.5");
    p.beta_2 = -1, refused("beta_2=-1");
    p.nesterov = true, refused("nesterov");
    p.nesterov = true, p.kind = rmsprop, p.momentum = 0.5f, refused("nesterov");
    p.kind = adam, p.momentum = 0.5f, refused("adam has no momentum");
}

TEST_CASE("optimizer: what a step refuses", "[optimizer]")
{
    struct clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_ANY);
    struct clcnn_optimizer_params p = {};
    p.kind = adam;
    Optimizer op;
    CHECK_OK(clcnn_optimizer_create(device, &p, 10, &op));
    Guarded w(device, 40), g(device, 40), m(device, 40), v(device, 40), small(device, 36);
    struct clcnn_buffer *good[] = {m, v}, *missing[] = {m, nullptr}, *twice[] = {m, m};
    struct clcnn_buffer *weights[] = {m, w}, *gradient[] = {g, v}, *short_slot[] = {small, v};
    auto step = [&](struct clcnn_buffer *const *slots) {
        return clcnn_optimizer_step(op, 1, 0, w, g, slots, nullptr);
    };
    CHECK_INVALID(clcnn_optimizer_step(nullptr, 1, 0, w, g, good, nullptr), "op is NULL");
    CHECK_INVALID(clcnn_optimizer_step(op, 0, 0, w, g, good, nullptr), "step=0");
    CHECK_INVALID(clcnn_optimizer_step(op, 1, -1, w, g, good, nullptr), "learning_rate=-1");
    CHECK_INVALID(clcnn_optimizer_step(op, 1, NAN, w, g, good, nullptr), "learning_rate=");
    CHECK_INVALID(clcnn_optimizer_step(op, -1, 0, w, g, good, nullptr), "step=-1");
    CHECK_INVALID(clcnn_optimizer_step(op, 1, INFINITY, w, g, good, nullptr), "learning_rate=inf");
    CHECK_INVALID(clcnn_optimizer_step(op, 1, 0, small, g, good, nullptr), "optimizer: w");
    CHECK_INVALID(clcnn_optimizer_step(op, 1, 0, nullptr, g, good, nullptr), "optimizer: w");
    CHECK_INVALID(clcnn_optimizer_step(op, 1, 0, w, small, good, nullptr), "optimizer: g");
    CHECK_INVALID(clcnn_optimizer_step(op, 1, 0, w, nullptr, good, nullptr), "optimizer: g");
    CHECK_INVALID(clcnn_optimizer_step(op, 1, 0, w, w, good, nullptr), "w and g share memory");
    CHECK_INVALID(step(nullptr), "slots is NULL, 2 are needed");
    CHECK_INVALID(step(missing), "optimizer: v");
    CHECK_INVALID(step(short_slot), "optimizer: m");
    CHECK_INVALID(step(twice), "two slots share memory");
    CHECK_INVALID(step(weights), "a slot and w share memory");
    CHECK_INVALID(step(gradient), "a slot and g share memory");
}
