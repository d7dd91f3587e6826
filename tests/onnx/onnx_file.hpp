/* ONNX files made in a test, node by node. */
#ifndef CLCNN_TESTS_ONNX_FILE_HPP
#define CLCNN_TESTS_ONNX_FILE_HPP

#include <clcnn/onnx.h>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

extern "C" {
#include "io/onnx/onnx.pb-c.h"
}

class OnnxFile
{
  public:
    explicit OnnxFile(int64_t opset = 13);

    /* A dimension of 0 is open, named "N". */
    OnnxFile &input(const std::string &name, const std::vector<int64_t> &shape, int type = 1);
    OnnxFile &output(const std::string &name);
    OnnxFile &floats(const std::string &name, const std::vector<int64_t> &shape,
                     const std::vector<float> &values);
    OnnxFile &integers(const std::string &name, const std::vector<int64_t> &values);

    /* The node that was added last gets the attributes. */
    OnnxFile &node(const std::string &type, const std::vector<std::string> &inputs,
                   const std::vector<std::string> &outputs, const std::string &name = "");
    OnnxFile &integer(const std::string &name, int64_t value);
    OnnxFile &number(const std::string &name, float value);
    OnnxFile &list(const std::string &name, const std::vector<int64_t> &values);
    OnnxFile &word(const std::string &name, const std::string &word);

    /* To change what was added last. */
    Clcnn__TensorProto &last_tensor()
    {
        return tensors_.back();
    }
    void external(const std::string &location, const std::string &length = "");

    std::string bytes();
    enum clcnn_status load(clcnn_model **out, const clcnn_onnx_params *params = nullptr);

  private:
    char *text(const std::string &value);
    int64_t *keep(const std::vector<int64_t> &values);
    Clcnn__AttributeProto &add_attribute(const std::string &name, int type);

    int64_t opset_;
    std::deque<std::string> texts_;
    std::deque<std::vector<int64_t>> lists_;
    std::deque<std::vector<float>> numbers_;
    std::deque<std::vector<char *>> names_;
    std::deque<Clcnn__TensorProto> tensors_;
    std::deque<Clcnn__StringStringEntryProto> entries_;
    std::deque<std::vector<Clcnn__StringStringEntryProto *>> entry_lists_;
    std::deque<Clcnn__NodeProto> nodes_;
    std::deque<Clcnn__AttributeProto> attributes_;
    std::deque<std::vector<Clcnn__AttributeProto *>> attribute_lists_;
    std::deque<Clcnn__ValueInfoProto> inputs_, outputs_;
    std::deque<Clcnn__TypeProto> types_;
    std::deque<Clcnn__TypeProto__Tensor> tensor_types_;
    std::deque<Clcnn__TensorShapeProto> shapes_;
    std::deque<Clcnn__TensorShapeProto__Dimension> dimensions_;
    std::deque<std::vector<Clcnn__TensorShapeProto__Dimension *>> dimension_lists_;
};

#endif
