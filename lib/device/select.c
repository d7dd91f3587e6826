#include "device/select.h"
#include "base/log.h"
#include "base/text.h"
#include "device/class.h"
#include "device/quirks.h"
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool equal_ignoring_case(const char *a, const char *b, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (tolower((unsigned char)a[i]) != tolower((unsigned char)b[i]))
            return false;
    return true;
}

static bool contains(const char *text, const char *part)
{
    size_t have = strlen(text), want = strlen(part);
    for (size_t i = 0; i + want <= have; i++)
        if (equal_ignoring_case(text + i, part, want))
            return true;
    return false;
}

static bool is_word(const char *text, const char *word)
{
    return strlen(text) == strlen(word) && equal_ignoring_case(text, word, strlen(word));
}

static enum clcnn_device_class parse_class(const char *text)
{
    static const enum clcnn_device_class all[] = {CLCNN_DEVICE_CLASS_GPU, CLCNN_DEVICE_CLASS_CPU,
                                                  CLCNN_DEVICE_CLASS_FPGA};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        if (is_word(text, clcnn_device_class_name(all[i])))
            return all[i];
    return CLCNN_DEVICE_CLASS_ANY;
}

static bool matches(const struct clcnn_device_info *info, const char *select)
{
    int platform, device, end = 0;
    enum clcnn_device_class wanted = parse_class(select);
    if (wanted != CLCNN_DEVICE_CLASS_ANY)
        return info->device_class == wanted;
    if (sscanf(select, "%9d:%9d%n", &platform, &device, &end) == 2 && select[end] == '\0')
        return info->platform_index == platform && info->device_index == device;
    return contains(info->name, select) || contains(info->platform, select);
}

/* "OpenCL 1.2 ..." */
static bool at_least_1_2(const char *version)
{
    int major = 0, minor = 0;
    return sscanf(version, "OpenCL %9d.%9d", &major, &minor) == 2 && major * 10 + minor >= 12;
}

static void because(struct clcnn_candidate *candidate, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void because(struct clcnn_candidate *candidate, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(candidate->reason, sizeof(candidate->reason), format, arguments);
    va_end(arguments);
}

/* Leaves a reason if the candidate cannot be opened or is not asked for. */
static bool eligible(struct clcnn_candidate *candidate, const struct clcnn_wish *wish)
{
    const struct clcnn_device_info *info = &candidate->info;
    bool asked = wish->select && wish->select[0];
    if (asked && !matches(info, wish->select))
        because(candidate, "does not match '%s' (%s)", wish->select, wish->origin);
    else if (!candidate->available)
        because(candidate, "the driver says it is not available");
    else if (!at_least_1_2(info->version))
        because(candidate, "'%s': OpenCL 1.2 is needed", info->version);
    else if (!info->has_compiler && !wish->has_binaries && !asked)
        because(candidate, "has no compiler, and there is no directory of binaries "
                           "(CLCNN_BINARY_DIR)");
    else
        return true;
    return false;
}

/* True if a is better than b; the loser learns why. */
static bool better(struct clcnn_candidate *a, struct clcnn_candidate *b)
{
    const struct device_class *class_a = clcnn_class_find(a->info.device_class);
    const struct device_class *class_b = clcnn_class_find(b->info.device_class);
    bool last_a = clcnn_quirks(&a->info) & CLCNN_QUIRK_LAST_RESORT;
    bool last_b = clcnn_quirks(&b->info) & CLCNN_QUIRK_LAST_RESORT;
    double score_a = class_a->score(&a->info), score_b = class_b->score(&b->info);
    bool a_wins = last_a != last_b                 ? last_b
                  : class_a->rank != class_b->rank ? class_a->rank > class_b->rank
                                                   : score_a > score_b;
    struct clcnn_candidate *winner = a_wins ? a : b, *loser = a_wins ? b : a;
    if (last_a != last_b)
        because(loser, "is a last resort, '%s' is not", winner->info.name);
    else if (class_a->rank != class_b->rank)
        because(loser, "%s is preferred to %s", clcnn_device_class_name(winner->info.device_class),
                clcnn_device_class_name(loser->info.device_class));
    else
        because(loser, "score %.0f, '%s' has %.0f", a_wins ? score_b : score_a, winner->info.name,
                a_wins ? score_a : score_b);
    return a_wins;
}

static enum clcnn_status fail(const struct clcnn_candidate *list, size_t count,
                              const struct clcnn_wish *wish)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_text text = {0};
    char *there = NULL;

    for (size_t i = 0; i < count; i++)
        clcnn_text_add(&text, "%s%d:%d '%s' (%s)%s%s", i ? ", " : "", list[i].info.platform_index,
                       list[i].info.device_index, list[i].info.name,
                       clcnn_device_class_name(list[i].info.device_class),
                       wish->select && wish->select[0] ? "" : ": ",
                       wish->select && wish->select[0] ? "" : list[i].reason);
    TRY(clcnn_text_take(&text, &there));
    if (count == 0)
        TRY(clcnn_fail(CLCNN_STATUS_DEVICE, "device_open: there is no OpenCL device"));
    if (wish->select && wish->select[0])
        TRY(clcnn_fail(CLCNN_STATUS_DEVICE,
                       "device_open: no usable device matches '%s' (%s); there "
                       "are: %s",
                       wish->select, wish->origin, there));
    TRY(clcnn_fail(CLCNN_STATUS_DEVICE, "device_open: no device is usable; there are: %s", there));
done:
    free(there);
    return status;
}

enum clcnn_status clcnn_select(struct clcnn_candidate *list, size_t count,
                               const struct clcnn_wish *wish, size_t *chosen)
{
    size_t winner = count;
    for (size_t i = 0; i < count; i++)
        if (eligible(&list[i], wish) && (winner == count || better(&list[i], &list[winner])))
            winner = i;
    for (size_t i = 0; i < count; i++)
        clcnn_logf(CLCNN_LOG_INFO, "device", "%d:%d '%s' (%s, %s) %s%s",
                   list[i].info.platform_index, list[i].info.device_index, list[i].info.name,
                   clcnn_device_class_name(list[i].info.device_class), list[i].info.platform,
                   i == winner ? "is chosen" : "lost: ", i == winner ? "" : list[i].reason);
    *chosen = winner;
    return winner < count ? CLCNN_STATUS_OK : fail(list, count, wish);
}
