/* Tasks for work-groups that stay with their core (CPU class): a kernel is launched with as many
 * groups as there are compute units, at most one per task, and each takes one task after another:
 *
 *     struct lane lane = enter_lane(lanes, tasks);
 *     for (long task; next_task(&lane, &task);)
 *         ...
 *     leave_lane(&lane);
 *
 * Drivers give the groups to whichever thread asks first: from launch to launch the halves of a
 * tensor change cores, and each line is fetched from the other core's cache. So the tasks are cut
 * into as many equal ranges, lanes, as there are groups; a group takes the lane that its thread had
 * in the launch before, and then the tasks of that lane, then what is left in the others. Which
 * group does a task changes the time, never the result. lane.index belongs to one group at a time:
 * an index into per-group workspace.
 *
 * `lanes` is the queue's (LANES() in lib/device/launch.h), whose launches never overlap: words that
 * are zero before the first launch, [0] groups that are done, then three for each lane: the thread
 * that had it last (told from others by where its stack lies), 1 if it is taken, its tasks begun.
 * The last group to leave resets them. NULL: group i does lane i's tasks, and no others. */
struct lane {
    volatile global int *words;
    int index, count;
    long tasks, at; /* at: next of the lane's own tasks, without words */
};

#define LANES_ARGUMENT volatile global int *lanes

static inline volatile global int *lane_words(const struct lane *lane, int index)
{
    return lane->words + 1 + 3 * index;
}

static inline long lane_start(const struct lane *lane, int index)
{
    return lane->tasks * index / lane->count;
}

static inline struct lane enter_lane(volatile global int *words, long tasks)
{
    struct lane lane = {tasks <= INT_MAX ? words : 0, (int)get_group_id(0),
                        (int)get_num_groups(0), tasks, 0};
    volatile int here = 0;
    const int thread = (int)((ulong)&here >> 20);
    lane.at = lane_start(&lane, lane.index);
    if (!lane.words)
        return lane;
    for (int turn = 0; turn < 2 * lane.count; turn++) {
        volatile global int *word = lane_words(&lane, turn % lane.count);
        if ((word[0] == thread || turn >= lane.count) && atomic_xchg(word + 1, 1) == 0) {
            word[0] = thread;
            lane.index = turn % lane.count;
            break;
        }
    }
    return lane;
}

static inline bool next_task(struct lane *lane, long *task)
{
    if (!lane->words) {
        *task = lane->at++;
        return *task < lane_start(lane, lane->index + 1);
    }
    for (int i = 0; i < lane->count; i++) {
        const int index = (lane->index + i) % lane->count;
        const long first = lane_start(lane, index), end = lane_start(lane, index + 1);
        volatile global int *begun = lane_words(lane, index) + 2;
        if (first + *begun < end) {
            *task = first + atomic_inc(begun);
            if (*task < end)
                return true;
        }
    }
    return false;
}

static inline void leave_lane(const struct lane *lane)
{
    if (!lane->words || atomic_inc(lane->words) < lane->count - 1)
        return;
    for (int i = 0; i < lane->count; i++) {
        lane_words(lane, i)[1] = 0;
        lane_words(lane, i)[2] = 0;
    }
    lane->words[0] = 0;
}
