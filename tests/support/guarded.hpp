/* Device buffers for tests: poisoned contents and guard bytes on both sides. */
#ifndef CLCNN_TESTS_GUARDED_HPP
#define CLCNN_TESTS_GUARDED_HPP

#include <catch2/catch.hpp>
#include <clcnn/clcnn.h>
#include <clcnn/opencl.h>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "support/check.hpp"

/* The device under test with the kernels of a class, opened once: CLCNN_DEVICE chooses it. Never
 * destroyed before exit. */
struct clcnn_device *test_device(enum clcnn_device_class device_class);

/* The classes whose kernels are tested: both on one device. */
static const enum clcnn_device_class test_classes[] = {CLCNN_DEVICE_CLASS_CPU,
                                                       CLCNN_DEVICE_CLASS_GPU};

/* `bytes` bytes in the middle of a larger cl_mem, at an odd multiple of 4, or (`aligned`) at one of
 * 16, wrapped with that offset. Every use of it therefore tests offsets as well. check() fails if a
 * guard byte changed. */
class Guarded
{
  public:
    static constexpr size_t guard = 4 * 67, aligned_guard = 4 * 68;

    Guarded(struct clcnn_device *device, size_t bytes, bool aligned = false)
        : Guarded(device, nullptr, bytes, aligned)
    {
    }
    /* A copy of the values. */
    template <class T>
    Guarded(struct clcnn_device *device, const std::vector<T> &values, bool aligned = false)
        : Guarded(device, values.data(), values.size() * sizeof(T), aligned)
    {
    }
    /* `count` NaNs: an output that must be written whole. */
    static std::vector<float> poison(size_t count)
    {
        return std::vector<float>(count, std::numeric_limits<float>::quiet_NaN());
    }
    ~Guarded()
    {
        clcnn_buffer_destroy(&buffer_);
        clReleaseMemObject(memory_);
    }
    Guarded(const Guarded &) = delete;
    Guarded &operator=(const Guarded &) = delete;

    operator struct clcnn_buffer *() const
    {
        return buffer_;
    }
    template <class T> void write(const std::vector<T> &values)
    {
        CHECK_OK(clcnn_buffer_write(buffer_, 0, values.size() * sizeof(T), values.data(), nullptr));
    }
    template <class T> std::vector<T> read() const
    {
        std::vector<T> values(bytes_ / sizeof(T));
        CHECK_OK(clcnn_buffer_read(buffer_, 0, bytes_, values.data(), nullptr));
        check();
        return values;
    }
    void check() const
    {
        std::vector<unsigned char> image(bytes_ + 2 * guard_);
        REQUIRE(clEnqueueReadBuffer(clcnn_device_cl_queue(device_), memory_, CL_TRUE, 0,
                                    image.size(), image.data(), 0, nullptr, nullptr) == CL_SUCCESS);
        size_t damaged = 0;
        for (size_t i = 0; i < guard_; i++)
            damaged += (image[i] != 0xA5) + (image[guard_ + bytes_ + i] != 0xA5);
        CHECK(damaged == 0);
    }

  private:
    /* One write fills all of the memory: Oclgrind 21.10 takes what lies outside the host's last
     * write for uninitialised, and with an offset even what was written. */
    Guarded(struct clcnn_device *device, const void *values, size_t bytes, bool aligned)
        : device_(device), bytes_(bytes), guard_(aligned ? aligned_guard : guard)
    {
        std::vector<unsigned char> image(bytes + 2 * guard_, 0xA5);
        cl_int error = CL_SUCCESS;
        if (values)
            std::memcpy(image.data() + guard_, values, bytes);
        memory_ = clCreateBuffer(clcnn_device_cl_context(device), CL_MEM_READ_WRITE, image.size(),
                                 nullptr, &error);
        REQUIRE(error == CL_SUCCESS);
        REQUIRE(clEnqueueWriteBuffer(clcnn_device_cl_queue(device), memory_, CL_TRUE, 0,
                                     image.size(), image.data(), 0, nullptr,
                                     nullptr) == CL_SUCCESS);
        CHECK_OK(clcnn_buffer_wrap(device, memory_, guard_, bytes, &buffer_));
    }

    struct clcnn_device *device_;
    size_t bytes_, guard_;
    cl_mem memory_ = nullptr;
    struct clcnn_buffer *buffer_ = nullptr;
};

/* Test data: the same values for the same seed. `integers` gives whole numbers -4 .. 4, for which
 * sums of products are exact in float32; otherwise uniform in [-1, 1). */
std::vector<float> test_values(size_t count, unsigned seed, bool integers = false);

#endif
