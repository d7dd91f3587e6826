/* The table that Keras 3 prints (keras/src/utils/summary_utils.py, through the package rich) on a
 * terminal of 80 columns. */
#include "base/memory.h"
#include "base/text.h"
#include "model/graph.h"
#include "tensor/shape_text.h"
#include <stdio.h>
#include <stdlib.h>

#define MAX_COLUMNS 4

struct column {
    const char *title;
    int width; /* of the text, without a space on both sides */
    bool right;
};

static const struct column sequential[MAX_COLUMNS] = {
    {"Layer (type)", 31, false}, {"Output Shape", 22, false}, {"Param #", 13, true}};
static const struct column branching[MAX_COLUMNS] = {{"Layer (type)", 19, false},
                                                     {"Output Shape", 17, false},
                                                     {"Param #", 10, true},
                                                     {"Connected to", 17, false}};

struct table {
    const struct column *columns;
    int count;
    struct clcnn_text text;
};

/* ---- one cell -------------------------------------------------------------------------------- */

static int is_start(char c)
{
    return ((unsigned char)c & 0xC0) != 0x80;
}

static int cells_of(const char *text, const char *end)
{
    int cells = 0;
    for (; text < end; text++)
        cells += is_start(*text);
    return cells;
}

static const char *skip(const char *text, bool spaces)
{
    while (*text && (*text == ' ') == spaces)
        text++;
    return text;
}

/* One line of whole words from *text, at least one, and moves *text behind it. */
static const char *take_line(const char **text, int width)
{
    const char *begin = *text, *end = begin;
    for (;;) {
        const char *word = skip(end, true), *word_end = skip(word, false);
        if (!*word || (end > begin && cells_of(begin, word_end) > width))
            break;
        end = word_end;
    }
    *text = skip(end, true);
    return end;
}

static const char *advance(const char *text, int cells)
{
    for (; cells > 0 || !is_start(*text); text++)
        cells -= is_start(*text);
    return text;
}

/* A line too long for its column is cut, and ends in an ellipsis. */
static void add_cell(struct clcnn_text *text, const struct column *column, const char *line,
                     const char *end)
{
    int space = column->width - cells_of(line, end);
    bool cut = space < 0;
    if (cut) {
        end = advance(line, column->width - 1);
        space = 0;
    }
    clcnn_text_add(text, " %*s%.*s%s%*s ", column->right ? space : 0, "", (int)(end - line), line,
                   cut ? "…" : "", column->right ? 0 : space, "");
}

/* ---- rows and rules -------------------------------------------------------------------------- */

static void add_row(struct table *table, const char *const *cells, const char *bar)
{
    const char *rest[MAX_COLUMNS];
    bool more = true;
    for (int i = 0; i < table->count; i++)
        rest[i] = cells[i];
    while (more) {
        more = false;
        for (int i = 0; i < table->count; i++) {
            const char *line = rest[i], *end = take_line(&rest[i], table->columns[i].width);
            clcnn_text_add(&table->text, "%s", bar);
            add_cell(&table->text, &table->columns[i], line, end);
            more = more || *rest[i];
        }
        clcnn_text_add(&table->text, "%s\n", bar);
    }
}

static void add_rule(struct table *table, const char *left, const char *line, const char *cross,
                     const char *right)
{
    for (int i = 0; i < table->count; i++) {
        clcnn_text_add(&table->text, "%s", i ? cross : left);
        for (int k = 0; k < table->columns[i].width + 2; k++)
            clcnn_text_add(&table->text, "%s", line);
    }
    clcnn_text_add(&table->text, "%s\n", right);
}

/* "1,234,567" */
static void format_number(int64_t value, char out[32])
{
    char digits[32];
    int length = snprintf(digits, sizeof(digits), "%lld", (long long)value);
    for (int i = 0; i < length; i++) {
        if (i && (length - i) % 3 == 0)
            *out++ = ',';
        *out++ = digits[i];
    }
    *out = '\0';
}

static int64_t parameters_of(const struct clcnn_model *model, const struct clcnn_layer *layer)
{
    int64_t count = 0;
    if (layer->kernel >= 0)
        count += clcnn_shape_count(&model->weights[layer->kernel].shape);
    if (layer->bias >= 0)
        count += clcnn_shape_count(&model->weights[layer->bias].shape);
    return count;
}

/* The layer itself, or the one that a hidden one (a softmax that was split off, a copy into another
 * order) gets its input from. */
static int visible(const struct clcnn_model *model, int index)
{
    while (model->layers[index].hidden)
        index = model->layers[index].inputs[0];
    return index;
}

static void add_connections(struct clcnn_text *text, const struct clcnn_model *model,
                            const struct clcnn_layer *layer)
{
    for (int i = 0; i < layer->input_count; i++)
        clcnn_text_add(text, "%s%s[0][0]", i ? ", " : "",
                       model->layers[visible(model, layer->inputs[i])].name);
    if (!layer->input_count)
        clcnn_text_add(text, "-");
}

static void add_layer(struct table *table, const struct clcnn_model *model,
                      const struct clcnn_layer *layer)
{
    struct clcnn_text name = {0}, shape = {0}, connections = {0};
    struct clcnn_shape caller = clcnn_model_caller_shape(model, &layer->shape);
    const char *class_name =
        layer->class_name ? layer->class_name : clcnn_layer_types[layer->type].class_name;
    char parameters[32];
    clcnn_text_add(&name, "%s (%s)", layer->name, class_name);
    clcnn_shape_add_text(&shape, &caller);
    format_number(parameters_of(model, layer), parameters);
    add_connections(&connections, model, layer);
    if (name.failed || shape.failed || connections.failed)
        table->text.failed = true;
    else
        add_row(table, (const char *[]){name.data, shape.data, parameters, connections.data}, "│");
    clcnn_text_clear(&name);
    clcnn_text_clear(&shape);
    clcnn_text_clear(&connections);
}

/* ---- Keras's order --------------------------------------------------------------------------- */

/* Layers farther from the output come first; those equally far in the order in which a depth-first
 * walk from the output meets them (keras/src/ops/function.py, map_graph). */
struct row {
    int layer, depth, visit;
};

static int compare_rows(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    return x->depth != y->depth ? (x->depth < y->depth) - (x->depth > y->depth)
                                : (x->visit > y->visit) - (x->visit < y->visit);
}

static void measure_depths(const struct clcnn_model *model, struct row *rows)
{
    for (int i = (int)model->layer_count; i-- > 0;)
        for (int k = 0; !model->layers[i].hidden && k < model->layers[i].input_count; k++) {
            struct row *input = &rows[visible(model, model->layers[i].inputs[k])];
            input->depth = input->depth > rows[i].depth ? input->depth : rows[i].depth + 1;
        }
}

static enum clcnn_status number_visits(const struct clcnn_model *model, struct row *rows)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    size_t links = (size_t)model->output_count;
    int *stack = NULL;
    for (size_t i = 0; i < model->layer_count; i++)
        links += (size_t)model->layers[i].input_count;
    TRY(clcnn_alloc(links, sizeof(*stack), &stack));
    int used = 0, visits = 0;
    for (int i = model->output_count; i-- > 0;)
        stack[used++] = visible(model, model->outputs[i].layer);
    while (used) {
        struct row *row = &rows[stack[--used]];
        if (row->visit)
            continue;
        row->visit = ++visits;
        const struct clcnn_layer *layer = &model->layers[row->layer];
        for (int k = layer->input_count; k-- > 0;)
            stack[used++] = visible(model, layer->inputs[k]);
    }
done:
    free(stack);
    return status;
}

static enum clcnn_status order_rows(const struct clcnn_model *model, struct row **out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct row *rows = NULL;
    TRY(clcnn_alloc(model->layer_count, sizeof(*rows), &rows));
    for (size_t i = 0; i < model->layer_count; i++)
        rows[i].layer = (int)i;
    measure_depths(model, rows);
    TRY(number_visits(model, rows));
    qsort(rows, model->layer_count, sizeof(*rows), compare_rows);
    *out = rows;
    rows = NULL;
done:
    free(rows);
    return status;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static void add_total(struct clcnn_text *text, const char *what, int64_t count)
{
    static const char *const units[] = {"B", "KB", "MB", "GB", "TB", "PB"};
    double size = (double)count * (double)sizeof(float);
    char number[32];
    int unit = 0;
    while (size >= 1024.0 && unit < 5) {
        size /= 1024.0;
        unit++;
    }
    format_number(count, number);
    clcnn_text_add(text, " %s params: %s (%.2f %s)\n", what, number, size, units[unit]);
}

static bool is_branching(const struct clcnn_model *model)
{
    for (size_t i = 0; i < model->layer_count; i++)
        if (model->layers[i].input_count > 1)
            return true;
    return false;
}

enum clcnn_status clcnn_model_summary(const struct clcnn_model *model, char **text)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct table table = {0};
    struct row *rows = NULL;
    bool first = true;
    REQUIRE(text, "summary: text is NULL");
    *text = NULL;
    REQUIRE(model && model->finished, "summary: the model is NULL or not finished");
    TRY(order_rows(model, &rows));
    table.columns = is_branching(model) ? branching : sequential;
    table.count = is_branching(model) ? 4 : 3;
    clcnn_text_add(&table.text, "Model: \"%s\"\n", model->name);
    add_rule(&table, "┏", "━", "┳", "┓");
    add_row(&table,
            (const char *[]){table.columns[0].title, table.columns[1].title, table.columns[2].title,
                             table.columns[3].title},
            "┃");
    add_rule(&table, "┡", "━", "╇", "┩");
    for (size_t i = 0; i < model->layer_count; i++) {
        if (model->layers[rows[i].layer].hidden)
            continue;
        if (!first)
            add_rule(&table, "├", "─", "┼", "┤");
        first = false;
        add_layer(&table, model, &model->layers[rows[i].layer]);
    }
    add_rule(&table, "└", "─", "┴", "┘");
    add_total(&table.text, "Total", clcnn_model_parameter_count(model));
    add_total(&table.text, "Trainable", clcnn_model_parameter_count(model));
    add_total(&table.text, "Non-trainable", 0);
    TRY(clcnn_text_take(&table.text, text));
done:
    clcnn_text_clear(&table.text);
    free(rows);
    return status;
}
