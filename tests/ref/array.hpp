/* Arrays of any type in host memory that are views of a buffer, and the same on the device. Values
 * are doubles; what an element holds is the value rounded to its type. */
#ifndef CLCNN_TESTS_REF_ARRAY_HPP
#define CLCNN_TESTS_REF_ARRAY_HPP

#include "support/compare.hpp"
#include "support/half.hpp"
#include <clcnn/view.h>
#include <initializer_list>
#include <random>

using Index = std::vector<int64_t>;

inline struct clcnn_shape shape_of(const Index &sizes)
{
    struct clcnn_shape shape = {};
    shape.rank = (int)sizes.size();
    for (size_t i = 0; i < sizes.size(); i++)
        shape.dim[i] = sizes[i];
    return shape;
}

inline Index sizes_of(const struct clcnn_view &view)
{
    return Index(view.size, view.size + view.rank);
}

/* Calls visit(index) for each index of the sizes, the last one fastest. */
template <class Visit> void each_index(const Index &sizes, Visit visit)
{
    Index index(sizes.size(), 0);
    for (int64_t size : sizes)
        if (size == 0)
            return;
    for (;;) {
        visit(static_cast<const Index &>(index));
        size_t i = sizes.size();
        while (i > 0 && ++index[i - 1] == sizes[i - 1])
            index[--i] = 0;
        if (i == 0)
            return;
    }
}

inline int64_t element_of(const struct clcnn_view &view, const Index &index)
{
    int64_t at = view.offset;
    for (size_t i = 0; i < index.size(); i++)
        at += index[i] * view.stride[i];
    return at;
}

/* The value that an element of the type holds after being set to it: integers saturate. */
inline double in_type(double value, enum clcnn_dtype type)
{
    auto saturate = [&](double low, double high) {
        return std::isnan(value) ? 0 : std::trunc(std::min(std::max(value, low), high));
    };
    switch (type) {
    case CLCNN_DTYPE_FLOAT32:
        return (double)(float)value;
    case CLCNN_DTYPE_FLOAT16: /* through float, as the device does */
        return (double)from_half(to_half((float)value));
    case CLCNN_DTYPE_UINT8:
        return saturate(0, 255);
    case CLCNN_DTYPE_INT32:
        return saturate(-0x1p31, 0x1p31 - 1);
    default:
        return saturate(-0x1p63, 0x1p63);
    }
}

/* How the elements of a view lie in its buffer. */
enum Layout {
    DENSE,      /* row-major */
    TRANSPOSED, /* the first dimension is contiguous */
    SLICED,     /* every second element, with a margin */
    REVERSED,   /* negative strides */
    PADDED,     /* the last dimension contiguous, rows with a gap */
};
const Layout layouts[] = {DENSE, TRANSPOSED, SLICED, REVERSED, PADDED};

struct HostArray {
    enum clcnn_dtype type;
    struct clcnn_view view;
    std::vector<double> elements; /* of the whole buffer */

    HostArray(enum clcnn_dtype t, const Index &sizes, Layout layout = DENSE)
        : type(t), view(view_of(sizes, layout))
    {
        int64_t first, last;
        CHECK_OK(clcnn_view_range(&view, &first, &last));
        elements.assign((size_t)std::max<int64_t>(last + (layout == DENSE ? 1 : 4), 1), 0);
    }
    double &operator[](const Index &index)
    {
        return elements[(size_t)element_of(view, index)];
    }
    double operator[](const Index &index) const
    {
        return elements[(size_t)element_of(view, index)];
    }
    Index sizes() const
    {
        return sizes_of(view);
    }
    /* All elements, also those that the view leaves out. */
    HostArray &fill(double value)
    {
        for (double &e : elements)
            e = in_type(value, type);
        return *this;
    }
    /* Uniform in [low, high), or whole numbers of [low, high]. */
    HostArray &random(unsigned seed, double low = -1, double high = 1, bool integers = false)
    {
        std::mt19937 engine(seed);
        bool whole = integers || !is_float();
        for (double &e : elements) {
            double u = std::ldexp((double)engine(), -32);
            e = in_type(whole ? low + std::floor(u * (high - low + 1)) : low + u * (high - low),
                        type);
        }
        return *this;
    }
    HostArray &set(const std::vector<double> &values)
    {
        size_t next = 0;
        each_index(sizes(), [&](const Index &i) { (*this)[i] = in_type(values[next++], type); });
        REQUIRE(next == values.size());
        return *this;
    }
    std::vector<double> values() const
    {
        std::vector<double> all;
        each_index(sizes(), [&](const Index &i) { all.push_back((*this)[i]); });
        return all;
    }
    bool is_float() const
    {
        return type == CLCNN_DTYPE_FLOAT32 || type == CLCNN_DTYPE_FLOAT16;
    }

    static struct clcnn_view view_of(const Index &sizes, Layout layout)
    {
        struct clcnn_view view = {};
        int64_t stride = layout == SLICED ? 2 : 1;
        int rank = view.rank = (int)sizes.size();
        view.offset = layout == SLICED || layout == PADDED ? 3 : 0;
        for (int i = rank - 1; i >= 0; i--) {
            int axis = layout == TRANSPOSED ? rank - 1 - i : i;
            view.size[axis] = sizes[(size_t)axis];
            view.stride[axis] = layout == REVERSED ? -stride : stride;
            if (layout == REVERSED)
                view.offset += (sizes[(size_t)axis] - 1) * stride;
            stride *= std::max<int64_t>(sizes[(size_t)axis], 1);
            stride += layout == PADDED ? 3 : 0;
        }
        return view;
    }
};

/* The bytes of a buffer with these elements, and the elements again. */
template <class T> void put_element(std::vector<unsigned char> &bytes, size_t i, T value)
{
    std::memcpy(&bytes[i * sizeof(T)], &value, sizeof(T));
}
template <class T> T get_element(const std::vector<unsigned char> &bytes, size_t i)
{
    T value;
    std::memcpy(&value, &bytes[i * sizeof(T)], sizeof(T));
    return value;
}

inline std::vector<unsigned char> to_bytes(const HostArray &array)
{
    std::vector<unsigned char> bytes(array.elements.size() * clcnn_dtype_size(array.type));
    for (size_t i = 0; i < array.elements.size(); i++) {
        double e = array.elements[i];
        switch (array.type) {
        case CLCNN_DTYPE_FLOAT32:
            put_element(bytes, i, (float)e);
            break;
        case CLCNN_DTYPE_FLOAT16:
            put_element(bytes, i, to_half((float)e));
            break;
        case CLCNN_DTYPE_UINT8:
            put_element(bytes, i, (uint8_t)e);
            break;
        case CLCNN_DTYPE_INT32:
            put_element(bytes, i, (int32_t)e);
            break;
        default:
            put_element(bytes, i, (int64_t)e);
        }
    }
    return bytes;
}

inline double element_from(const std::vector<unsigned char> &bytes, size_t i, enum clcnn_dtype type)
{
    switch (type) {
    case CLCNN_DTYPE_FLOAT32:
        return (double)get_element<float>(bytes, i);
    case CLCNN_DTYPE_FLOAT16:
        return (double)from_half(get_element<uint16_t>(bytes, i));
    case CLCNN_DTYPE_UINT8:
        return get_element<uint8_t>(bytes, i);
    case CLCNN_DTYPE_INT32:
        return get_element<int32_t>(bytes, i);
    default:
        return (double)get_element<int64_t>(bytes, i);
    }
}

/* A host array's copy on the device; `poison`: every byte 0xAB instead. */
class DeviceArray
{
  public:
    DeviceArray(struct clcnn_device *device, const HostArray &host, bool poison = false)
        : host_(host), bytes_(to_bytes(host)),
          buffer_(device,
                  poison ? bytes_ = std::vector<unsigned char>(bytes_.size(), 0xAB) : bytes_, true)
    {
        array_.buffer = buffer_;
        array_.view = host.view;
    }
    operator const struct clcnn_array *() const
    {
        return &array_;
    }
    operator struct clcnn_array() const
    {
        return array_;
    }
    struct clcnn_array &array()
    {
        return array_;
    }
    struct clcnn_buffer *buffer() const
    {
        return buffer_;
    }

    /* Every element of the view is `expected`'s within tolerance(index), and every other byte of
     * the buffer is as it was. */
    template <class Tolerance> void check(const HostArray &expected, Tolerance tolerance) const
    {
        std::vector<unsigned char> now = buffer_.read<unsigned char>();
        size_t size = clcnn_dtype_size(host_.type), wrong = 0, strayed = 0;
        std::vector<bool> in_view(host_.elements.size());
        std::string first;
        each_index(host_.sizes(), [&](const Index &index) {
            auto at = (size_t)element_of(host_.view, index);
            in_view[at] = true;
            double got = element_from(now, at, host_.type), wanted = expected[index];
            bool same = got == wanted || (std::isnan(got) && std::isnan(wanted)) ||
                        std::fabs(got - wanted) <= tolerance(index);
            if (!same && wrong++ == 0) {
                first = "first at (";
                for (int64_t i : index)
                    first += " " + std::to_string(i);
                first += " ): " + Catch::Detail::stringify(got) + ", expected " +
                         Catch::Detail::stringify(wanted);
            }
        });
        for (size_t i = 0; i < in_view.size() * size; i++)
            strayed += !in_view[i / size] && now[i] != bytes_[i];
        INFO(wrong << " of " << clcnn_view_count(&host_.view) << " differ, " << first);
        CHECK(wrong == 0);
        CHECK(strayed == 0);
    }
    void check(const HostArray &expected) const
    {
        check(expected, [](const Index &) { return 0.0; });
    }
    std::vector<unsigned char> bytes() const
    {
        return buffer_.read<unsigned char>();
    }

  private:
    HostArray host_;
    std::vector<unsigned char> bytes_;
    Guarded buffer_;
    struct clcnn_array array_ = {};
};

#endif
