/* The expected tables were printed by Keras 3.15.1 and rich 15.0.0 with COLUMNS=80. */
#include "model/model.hpp"

namespace
{

std::string summary(const clcnn_model *model)
{
    char *text = nullptr;
    CHECK_OK(clcnn_model_summary(model, &text));
    std::string copy = text;
    clcnn_free(text);
    return copy;
}

} // namespace

TEST_CASE("summary: a sequential model", "[model][summary]")
{
    clcnn_model *model = nullptr;
    CHECK_OK(clcnn_network_create("mnist-cnn", 0, &model));
    CHECK(summary(model) == R"(Model: "mnist-cnn"
┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━┓
┃ Layer (type)                    ┃ Output Shape           ┃       Param # ┃
┡━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━┩
│ input_layer (InputLayer)        │ (None, 28, 28, 1)      │             0 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ conv2d (Conv2D)                 │ (None, 26, 26, 32)     │           320 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ max_pooling2d (MaxPooling2D)    │ (None, 13, 13, 32)     │             0 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ conv2d_1 (Conv2D)               │ (None, 11, 11, 64)     │        18,496 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ max_pooling2d_1 (MaxPooling2D)  │ (None, 5, 5, 64)       │             0 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ conv2d_2 (Conv2D)               │ (None, 3, 3, 64)       │        36,928 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ flatten (Flatten)               │ (None, 576)            │             0 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ dense (Dense)                   │ (None, 64)             │        36,928 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ dense_1 (Dense)                 │ (None, 10)             │           650 │
└─────────────────────────────────┴────────────────────────┴───────────────┘
 Total params: 93,322 (364.54 KB)
 Trainable params: 93,322 (364.54 KB)
 Non-trainable params: 0 (0.00 B)
)");
    clcnn_model_destroy(&model);
}

/* Layers stand in Keras's order, not in the order of adding; long words are cut. */
TEST_CASE("summary: a model that branches", "[model][summary]")
{
    Model m("functional");
    clcnn_node x = m.image(56, 56, 3);
    clcnn_node a = m.conv(x, 16, 1, CLCNN_PADDING_VALID, CLCNN_ACTIVATION_RELU);
    clcnn_node b = m.conv(m.conv(x, 16, 1), 16, 3, CLCNN_PADDING_SAME);
    clcnn_pool2d_layer pool = {};
    pool.size[0] = 3;
    pool.strides[0] = 1;
    pool.padding = CLCNN_PADDING_SAME;
    clcnn_node parts[] = {a, b, clcnn_add_max_pool2d(m, x, &pool)};
    clcnn_node d = clcnn_add_concatenate(m, parts, 3);
    clcnn_node f =
        clcnn_add_add(m, d, m.conv(d, 35, 1, CLCNN_PADDING_VALID, CLCNN_ACTIVATION_SOFTMAX));
    clcnn_node ends[] = {clcnn_add_global_average_pool2d(m, f), clcnn_add_global_max_pool2d(m, f)};
    clcnn_node k = clcnn_add_concatenate(m, ends, 2);
    CHECK_OK(clcnn_model_finish(m, m.dense(k, 1000)));
    CHECK(summary(m) == R"(Model: "functional"
┏━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━┓
┃ Layer (type)        ┃ Output Shape      ┃    Param # ┃ Connected to      ┃
┡━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━┩
│ input_layer         │ (None, 56, 56, 3) │          0 │ -                 │
│ (InputLayer)        │                   │            │                   │
├─────────────────────┼───────────────────┼────────────┼───────────────────┤
│ conv2d_1 (Conv2D)   │ (None, 56, 56,    │         64 │ input_layer[0][0] │
│                     │ 16)               │            │                   │
├─────────────────────┼───────────────────┼────────────┼───────────────────┤
│ conv2d (Conv2D)     │ (None, 56, 56,    │         64 │ input_layer[0][0] │
│                     │ 16)               │            │                   │
├─────────────────────┼───────────────────┼────────────┼───────────────────┤
│ conv2d_2 (Conv2D)   │ (None, 56, 56,    │      2,320 │ conv2d_1[0][0]    │
│                     │ 16)               │            │                   │
├─────────────────────┼───────────────────┼────────────┼───────────────────┤
│ max_pooling2d       │ (None, 56, 56, 3) │          0 │ input_layer[0][0] │
│ (MaxPooling2D)      │                   │            │                   │
├─────────────────────┼───────────────────┼────────────┼───────────────────┤
│ concatenate         │ (None, 56, 56,    │          0 │ conv2d[0][0],     │
│ (Concatenate)       │ 35)               │            │ conv2d_2[0][0],   │
│                     │                   │            │ max_pooling2d[0]… │
├─────────────────────┼───────────────────┼────────────┼───────────────────┤
│ conv2d_3 (Conv2D)   │ (None, 56, 56,    │      1,260 │ concatenate[0][0] │
│                     │ 35)               │            │                   │
├─────────────────────┼───────────────────┼────────────┼───────────────────┤
│ add (Add)           │ (None, 56, 56,    │          0 │ concatenate[0][0… │
│                     │ 35)               │            │ conv2d_3[0][0]    │
├─────────────────────┼───────────────────┼────────────┼───────────────────┤
│ global_average_poo… │ (None, 35)        │          0 │ add[0][0]         │
│ (GlobalAveragePool… │                   │            │                   │
├─────────────────────┼───────────────────┼────────────┼───────────────────┤
│ global_max_pooling… │ (None, 35)        │          0 │ add[0][0]         │
│ (GlobalMaxPooling2… │                   │            │                   │
├─────────────────────┼───────────────────┼────────────┼───────────────────┤
│ concatenate_1       │ (None, 70)        │          0 │ global_average_p… │
│ (Concatenate)       │                   │            │ global_max_pooli… │
├─────────────────────┼───────────────────┼────────────┼───────────────────┤
│ dense (Dense)       │ (None, 1000)      │     71,000 │ concatenate_1[0]… │
└─────────────────────┴───────────────────┴────────────┴───────────────────┘
 Total params: 74,708 (291.83 KB)
 Trainable params: 74,708 (291.83 KB)
 Non-trainable params: 0 (0.00 B)
)");
}

/* An input used twice is connected twice; a hidden softmax is no row and no connection. */
TEST_CASE("summary: one input used twice", "[model][summary]")
{
    Model m("twice");
    clcnn_node x = m.image(8, 8, 3);
    x = m.conv(x, 4, 3, CLCNN_PADDING_VALID, CLCNN_ACTIVATION_SOFTMAX);
    clcnn_node f = clcnn_add_flatten(m, x), d = m.dense(f, 4);
    clcnn_node s = m.dense(f, 4, CLCNN_ACTIVATION_SOFTMAX);
    CHECK_OK(clcnn_model_finish(m, clcnn_add_add(m, clcnn_add_add(m, d, d), s)));
    CHECK(summary(m) == R"(Model: "twice"
┏━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━┓
┃ Layer (type)        ┃ Output Shape      ┃    Param # ┃ Connected to      ┃
┡━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━┩
│ input_layer         │ (None, 8, 8, 3)   │          0 │ -                 │
│ (InputLayer)        │                   │            │                   │
├─────────────────────┼───────────────────┼────────────┼───────────────────┤
│ conv2d (Conv2D)     │ (None, 6, 6, 4)   │        112 │ input_layer[0][0] │
├─────────────────────┼───────────────────┼────────────┼───────────────────┤
│ flatten (Flatten)   │ (None, 144)       │          0 │ conv2d[0][0]      │
├─────────────────────┼───────────────────┼────────────┼───────────────────┤
│ dense (Dense)       │ (None, 4)         │        580 │ flatten[0][0]     │
├─────────────────────┼───────────────────┼────────────┼───────────────────┤
│ add (Add)           │ (None, 4)         │          0 │ dense[0][0],      │
│                     │                   │            │ dense[0][0]       │
├─────────────────────┼───────────────────┼────────────┼───────────────────┤
│ dense_1 (Dense)     │ (None, 4)         │        580 │ flatten[0][0]     │
├─────────────────────┼───────────────────┼────────────┼───────────────────┤
│ add_1 (Add)         │ (None, 4)         │          0 │ add[0][0],        │
│                     │                   │            │ dense_1[0][0]     │
└─────────────────────┴───────────────────┴────────────┴───────────────────┘
 Total params: 1,272 (4.97 KB)
 Trainable params: 1,272 (4.97 KB)
 Non-trainable params: 0 (0.00 B)
)");
}

TEST_CASE("summary: columns count characters, not bytes", "[model][summary]")
{
    Model m("utf8");
    clcnn_input_params input = {};
    input.name = "größe";
    input.features = 4;
    clcnn_node x = clcnn_input(m, &input);
    const char *name = "ein_sehr_langer_Name_mit_Umläuten_äöüäöüäöü";
    CHECK_OK(clcnn_model_finish(m, m.dense(x, 1, CLCNN_ACTIVATION_LINEAR, name)));
    CHECK(summary(m) == R"(Model: "utf8"
┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━┓
┃ Layer (type)                    ┃ Output Shape           ┃       Param # ┃
┡━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━┩
│ größe (InputLayer)              │ (None, 4)              │             0 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ ein_sehr_langer_Name_mit_Umläu… │ (None, 1)              │             5 │
│ (Dense)                         │                        │               │
└─────────────────────────────────┴────────────────────────┴───────────────┘
 Total params: 5 (20.00 B)
 Trainable params: 5 (20.00 B)
 Non-trainable params: 0 (0.00 B)
)");
}

TEST_CASE("summary: shapes are the caller's", "[model][summary]")
{
    Model m;
    clcnn_node x = m.image(9, 7, 3, CLCNN_DATA_FORMAT_CHANNELS_FIRST);
    CHECK_OK(clcnn_model_finish(m, clcnn_add_flatten(m, m.conv(x, 5))));
    const std::string text = summary(m);
    CHECK_THAT(text, Catch::Matchers::Contains("(None, 3, 9, 7) "));
    CHECK_THAT(text, Catch::Matchers::Contains("(None, 5, 7, 5) "));
    CHECK_THAT(text, Catch::Matchers::Contains("(None, 175) "));
}

TEST_CASE("summary: what is refused", "[model][summary]")
{
    Model m;
    char *text = nullptr;
    CHECK_FAILS(clcnn_model_summary(m, &text), CLCNN_STATUS_INVALID_ARGUMENT, "not finished");
    CHECK(text == nullptr);
    CHECK_FAILS(clcnn_model_summary(nullptr, &text), CLCNN_STATUS_INVALID_ARGUMENT, "NULL");
    CHECK_FAILS(clcnn_model_summary(m, nullptr), CLCNN_STATUS_INVALID_ARGUMENT, "text is NULL");
}
