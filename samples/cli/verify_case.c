#include "verify_case.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLI_TRY(call)                                                                              \
    do {                                                                                           \
        status = (call);                                                                           \
        if (status != CLCNN_STATUS_OK)                                                             \
            goto done;                                                                             \
    } while (0)

struct run {
    struct clcnn_tensor *given[VERIFY_FILES], *wanted[VERIFY_FILES];
    void *x[VERIFY_FILES], *y[VERIFY_FILES];
    struct clcnn_model *model;
    struct clcnn_session *session;
    int64_t count;
};

/* ---- arrays ---------------------------------------------------------------------------------- */

static int64_t elements(const struct clcnn_port *port, int64_t count)
{
    struct clcnn_shape shape = port->shape;
    if (shape.rank > 0 && shape.dim[0] == CLCNN_DIM_BATCH)
        shape.dim[0] = count;
    return clcnn_shape_count(&shape);
}

static double element(enum clcnn_dtype dtype, const void *data, int64_t i)
{
    switch (dtype) {
    case CLCNN_DTYPE_INT64:
        return (double)((const int64_t *)data)[i];
    case CLCNN_DTYPE_INT32:
        return ((const int32_t *)data)[i];
    case CLCNN_DTYPE_UINT8:
        return ((const uint8_t *)data)[i];
    default:
        return (double)((const float *)data)[i];
    }
}

static void convert(const struct clcnn_tensor *from, enum clcnn_dtype dtype, void *to)
{
    enum clcnn_dtype has = clcnn_tensor_dtype(from);
    const void *data = clcnn_tensor_const_data(from);
    if (has == dtype)
        memcpy(to, data, clcnn_tensor_bytes(from));
    else
        for (int64_t i = 0; i < clcnn_tensor_count(from); i++)
            if (dtype == CLCNN_DTYPE_INT32)
                ((int32_t *)to)[i] = (int32_t)element(has, data, i);
            else if (dtype == CLCNN_DTYPE_UINT8)
                ((uint8_t *)to)[i] = (uint8_t)element(has, data, i);
            else if (dtype == CLCNN_DTYPE_INT64)
                ((int64_t *)to)[i] = (int64_t)element(has, data, i);
            else
                ((float *)to)[i] = (float)element(has, data, i);
}

static void fill_ramp(float *x, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        x[i] = (float)((double)i / (double)count);
}

/* ---- one run --------------------------------------------------------------------------------- */

static enum clcnn_status load(struct run *r, const char *model, const struct verify_data *data)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_onnx_input inputs[VERIFY_FILES] = {{0}};
    struct clcnn_onnx_params params = {.inputs = inputs, .input_count = data->input_count};
    /* What cannot be read is no tensor; the model's own error then says more. */
    for (int i = 0; i < data->input_count; i++)
        if (clcnn_onnx_read_tensor(data->inputs[i], &r->given[i], NULL) == CLCNN_STATUS_OK)
            inputs[i].value = r->given[i];
    CLI_TRY(clcnn_onnx_load(model, &params, &r->model));
    for (int i = 0; i < data->output_count; i++)
        CLI_TRY(clcnn_onnx_read_tensor(data->outputs[i], &r->wanted[i], NULL));
done:
    return status;
}

static enum clcnn_status take_input(struct run *r, const struct verify_data *data,
                                    const struct clcnn_port *port)
{
    const struct clcnn_tensor *given =
        port->position < data->input_count ? r->given[port->position] : NULL;
    int64_t batch =
        given && clcnn_tensor_shape(given)->rank ? clcnn_tensor_shape(given)->dim[0] : 1;
    if (clcnn_model_batched(r->model))
        r->count = batch;
    int64_t count = elements(port, r->count);
    if (count < 0 || (given ? clcnn_tensor_count(given) != count : !data->ramp))
        return CLCNN_STATUS_INVALID_ARGUMENT;
    r->x[port->position] = calloc((size_t)count + 1, sizeof(int64_t));
    if (!r->x[port->position])
        return CLCNN_STATUS_OUT_OF_MEMORY;
    if (given)
        convert(given, port->dtype, r->x[port->position]);
    else
        fill_ramp(r->x[port->position], count);
    return CLCNN_STATUS_OK;
}

static enum clcnn_status execute(struct run *r, struct clcnn_device *device,
                                 const struct verify_data *data, double max_error)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_session_input inputs[VERIFY_FILES];
    struct clcnn_session_output outputs[VERIFY_FILES];
    int input_count = clcnn_model_input_count(r->model);
    int output_count = clcnn_model_output_count(r->model);
    r->count = 1;
    for (int i = 0; i < input_count; i++) {
        const struct clcnn_port *port = clcnn_model_input(r->model, i);
        CLI_TRY(port->position < VERIFY_FILES ? take_input(r, data, port)
                                              : CLCNN_STATUS_INVALID_ARGUMENT);
        inputs[i] = (struct clcnn_session_input){port->name, r->x[port->position]};
    }
    for (int i = 0; i < output_count && i < VERIFY_FILES; i++) {
        const struct clcnn_port *port = clcnn_model_output(r->model, i);
        r->y[i] = calloc((size_t)elements(port, r->count) + 1, sizeof(int64_t));
        CLI_TRY(r->y[i] ? CLCNN_STATUS_OK : CLCNN_STATUS_OUT_OF_MEMORY);
        outputs[i] = (struct clcnn_session_output){port->name, r->y[i]};
    }
    struct clcnn_session_params params = {.batch = (int)r->count, .max_error = max_error};
    status = clcnn_session_create(device, r->model, &params, &r->session);
    if (status == CLCNN_STATUS_UNSUPPORTED && max_error > 0) { /* sums too long for the bound */
        params.max_error = 0;
        status = clcnn_session_create(device, r->model, &params, &r->session);
    }
    CLI_TRY(status);
    CLI_TRY(clcnn_session_run(r->session, r->count, inputs, input_count, outputs, output_count));
done:
    return status;
}

/* ---- comparison ------------------------------------------------------------------------------ */

static bool same_shape(const struct run *r, const struct clcnn_port *port,
                       const struct clcnn_tensor *wanted)
{
    const struct clcnn_shape *shape = clcnn_tensor_shape(wanted);
    if (shape->rank != port->shape.rank)
        return false;
    for (int i = 0; i < shape->rank; i++)
        if (shape->dim[i] !=
            (port->shape.dim[i] == CLCNN_DIM_BATCH ? r->count : port->shape.dim[i]))
            return false;
    return true;
}

static bool compare(const struct run *r, int index, const struct verify_limits *limits,
                    struct verify_outcome *outcome)
{
    const struct clcnn_port *port = clcnn_model_output(r->model, index);
    const struct clcnn_tensor *wanted = r->wanted[index];
    bool right = true;
    double absolute = limits->absolute;
    if (!same_shape(r, port, wanted)) {
        snprintf(outcome->message, sizeof(outcome->message), "output '%s' has another shape",
                 port->name);
        return false;
    }
    for (int64_t i = 0; i < clcnn_tensor_count(wanted); i++) {
        double should = element(clcnn_tensor_dtype(wanted), clcnn_tensor_const_data(wanted), i);
        if (isfinite(should))
            absolute = fmax(absolute, 1e-6 * fabs(should));
    }
    for (int64_t i = 0; i < clcnn_tensor_count(wanted); i++) {
        double is = element(port->dtype, r->y[index], i);
        double should = element(clcnn_tensor_dtype(wanted), clcnn_tensor_const_data(wanted), i);
        double error = is == should || (isnan(is) && isnan(should)) ? 0.0 : fabs(is - should);
        outcome->error = fmax(outcome->error, error);
        if (error > absolute && should != 0.0)
            outcome->relative = fmax(outcome->relative, error / fabs(should));
        if (error != 0.0 && right && !(error <= absolute + limits->relative * fabs(should))) {
            right = false;
            snprintf(outcome->message, sizeof(outcome->message),
                     "output '%s'[%lld] is %.9g, not %.9g", port->name, (long long)i, is, should);
        }
    }
    return right;
}

static void clear(struct run *r)
{
    for (int i = 0; i < VERIFY_FILES; i++) {
        clcnn_tensor_destroy(&r->given[i]);
        clcnn_tensor_destroy(&r->wanted[i]);
        free(r->x[i]);
        free(r->y[i]);
    }
    clcnn_session_destroy(&r->session);
    clcnn_model_destroy(&r->model);
}

void verify_run(struct clcnn_device *device, const char *model, const struct verify_data *data,
                const struct verify_limits *limits, struct verify_outcome *outcome)
{
    struct run r = {.count = 1};
    enum clcnn_status status = load(&r, model, data);
    *outcome = (struct verify_outcome){.result = VERIFY_PASSED};
    if (status == CLCNN_STATUS_OK)
        status = execute(&r, device, data, limits->max_error);
    if (status != CLCNN_STATUS_OK) {
        outcome->result = status == CLCNN_STATUS_UNSUPPORTED ? VERIFY_UNSUPPORTED : VERIFY_FAILED;
        snprintf(outcome->message, sizeof(outcome->message), "%s", clcnn_error_message());
    }
    for (int i = 0; status == CLCNN_STATUS_OK && i < data->output_count; i++)
        if (i >= clcnn_model_output_count(r.model) || !compare(&r, i, limits, outcome))
            outcome->result = VERIFY_FAILED;
    clear(&r);
}
