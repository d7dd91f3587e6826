/* A clcnn object that is destroyed at the end of its block. */
#ifndef CLCNN_TESTS_OWNED_HPP
#define CLCNN_TESTS_OWNED_HPP

template <class T, void (*destroy)(T **)> class Owned
{
  public:
    Owned() = default;
    ~Owned()
    {
        destroy(&object_);
    }
    Owned(const Owned &) = delete;
    Owned &operator=(const Owned &) = delete;
    operator T *() const
    {
        return object_;
    }
    T **operator&()
    {
        return &object_;
    }

  private:
    T *object_ = nullptr;
};

#endif
