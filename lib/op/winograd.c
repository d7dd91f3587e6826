#include "op/winograd.h"
#include <math.h>
#include <string.h>

/* The positive points by alpha. Chosen among all sets of multiples of 1/16 below 4 for the least
 * amplification, which depends on alpha alone, and on no scaling of the matrices' rows:
 *
 *   alpha   points          amplification; for Gaussian data, root mean square   the usual points
 *     4     1                   4.00            1.73                              the same
 *     6     11/16, 23/16       12.58            3.98                   1, 2:      29.33   8.91
 *     8     1/2, 1, 2          39.56           10.69                              the same
 *
 * (Root mean square: the square root of the largest sum over j of A^T[i][j]^2 G[j][k]^2 (sum over l
 * of B^T[j][l]^2).) At alpha = 8 no set has a smaller bound; 9/16, 1, 7/4 has 40.42 and 9.98. All
 * are so short that A^T and B^T are floats without rounding. */
static const double points_by_pairs[3][3] = {{1.0}, {11.0 / 16.0, 23.0 / 16.0}, {0.5, 1.0, 2.0}};

static double point_of(const struct clcnn_winograd *w, int j)
{
    if (j == 0)
        return 0.0;
    return j % 2 ? w->point[(j - 1) / 2] : -w->point[(j - 1) / 2];
}

/* coefficients = those of the product of (x - a_l) over the finite points but number `without`. */
static void expand(const struct clcnn_winograd *w, int without, double *coefficients)
{
    int degree = 0;
    memset(coefficients, 0, sizeof(double) * WINOGRAD_MAX_ALPHA);
    coefficients[0] = 1.0;
    for (int l = 0; l < w->alpha - 1; l++) {
        if (l == without)
            continue;
        degree++;
        for (int i = degree; i > 0; i--)
            coefficients[i] = coefficients[i - 1] - point_of(w, l) * coefficients[i];
        coefficients[0] *= -point_of(w, l);
    }
}

static void fill_finite(struct clcnn_winograd *w, int j)
{
    double a = point_of(w, j), product = 1.0, power = 1.0;
    for (int l = 0; l < w->alpha - 1; l++)
        product *= l == j ? 1.0 : a - point_of(w, l);
    for (int i = 0; i < w->m || i < w->r; i++, power *= a) {
        if (i < w->m)
            w->at[i][j] = power;
        if (i < w->r)
            w->g[j][i] = power / product;
    }
    expand(w, j, w->bt[j]);
}

bool clcnn_winograd_make(int m, int r, struct clcnn_winograd *out)
{
    bool known = (r == 3 && (m == 2 || m == 4 || m == 6)) || (r == 5 && (m == 2 || m == 4));
    if (!known)
        return false;
    *out = (struct clcnn_winograd){.m = m, .r = r, .alpha = m + r - 1};
    out->pairs = out->alpha / 2 - 1;
    memcpy(out->point, points_by_pairs[out->pairs - 1], sizeof(out->point));
    for (int j = 0; j < out->alpha - 1; j++)
        fill_finite(out, j);
    out->at[m - 1][out->alpha - 1] = 1.0;
    out->g[out->alpha - 1][r - 1] = 1.0;
    expand(out, -1, out->bt[out->alpha - 1]);
    return true;
}

/* -DNAME=1.00000000f,.. : the floats nearest to the elements, row by row. */
static void add_matrix(struct clcnn_text *text, const char *name, const double *matrix, int rows,
                       int columns, int pitch)
{
    clcnn_text_add(text, " -D%s=", name);
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns; j++)
            clcnn_text_add(text, "%s%#.9gf", i + j ? "," : "",
                           matrix[i * pitch + j] + 0.0); /* no -0 */
}

void clcnn_winograd_options(struct clcnn_text *text, const struct clcnn_winograd *w)
{
    clcnn_text_add(text, "-DTILE=%d -DTAPS=%d", w->m, w->r);
    add_matrix(text, "WINOGRAD_POINTS", w->point, 1, w->pairs, w->pairs);
    add_matrix(text, "WINOGRAD_AT", w->at[0], w->m, w->alpha, WINOGRAD_MAX_ALPHA);
    add_matrix(text, "WINOGRAD_G", w->g[0], w->alpha, w->r, WINOGRAD_MAX_TAPS);
    add_matrix(text, "WINOGRAD_BT", w->bt[0], w->alpha, w->alpha, WINOGRAD_MAX_ALPHA);
}

double clcnn_winograd_amplification(const struct clcnn_winograd *w)
{
    double largest = 0.0;
    for (int i = 0; i < w->m; i++) {
        for (int k = 0; k < w->r; k++) {
            double sum = 0.0;
            for (int j = 0; j < w->alpha; j++) {
                double row = 0.0;
                for (int l = 0; l < w->alpha; l++)
                    row += fabs(w->bt[j][l]);
                sum += fabs(w->at[i][j]) * fabs(w->g[j][k]) * row;
            }
            largest = fmax(largest, sum);
        }
    }
    return largest;
}

/* Every product of one element of each of A, G, B, x and w, twice over, passes at most `roundings`
 * roundings on its way into the result; the sum of the absolute values of these products is at most
 * the square of the amplification times the denominator, because |x| of a patch is at most its
 * largest, and the sum over (r, s) of |w_rs| f(r) f(s) at most sum |w| times the largest f squared.
 * Higham, "Accuracy and Stability of Numerical Algorithms", 2nd edition, lemma 3.1. */
static double bound(const struct clcnn_winograd *w, int64_t roundings)
{
    double nu = (double)roundings * 0x1p-24, factor = clcnn_winograd_amplification(w);
    return nu < 0.5 ? factor * factor * nu / (1.0 - nu) : INFINITY;
}

/* A sum of n products is at most n roundings; elements of G add one each. One more for the bias or
 * for a sum that is continued. */
double clcnn_winograd_sum_bound(const struct clcnn_winograd *w, int64_t terms)
{
    int64_t input = 2 * w->alpha, filter = 2 * (w->r + 1), output = 2 * w->alpha;
    return bound(w, input + filter + terms + 1 + output);
}

double clcnn_winograd_filter_bound(const struct clcnn_winograd *w, int64_t terms)
{
    int64_t input = 2 * w->alpha, gradient = 2 * w->m, filter = 2 * (w->alpha + 1);
    return bound(w, input + gradient + terms + 1 + filter);
}
