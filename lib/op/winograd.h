/* Winograd convolution: the matrices of F(m, r) and what they do to rounding errors.
 *
 * One dimension, m outputs of a filter of r taps from alpha = m + r - 1 inputs:
 *
 *   y = A^T [(G w) . (B^T x)]        A^T [m][alpha], G [alpha][r], B^T [alpha][alpha]
 *
 * and in two dimensions Y = A^T [(G w G^T) . (B^T x B)] A; "." multiplies element by element. The
 * matrices evaluate polynomials at alpha - 1 points and at infinity, and interpolate them:
 * A^T[i][j] = a_j^i, G[j][k] = a_j^k / product of (a_j - a_l) over l != j, B^T[j] = the
 * coefficients of the product of (x - a_l) over l != j, lowest first; the last column of A^T and
 * row of G pick the highest power, and B^T[alpha - 1] is the product over all l.
 *
 * Points come in the order 0, +a, -a, +b, -b, .., infinity, so that
 *   - rows 1 + 2 p and 2 + 2 p of B^T and of G, and those columns of A^T, differ only in the signs
 *     of odd powers: their even and odd halves are computed once for both;
 *   - B^T[0] has only even columns, B^T[alpha - 1] only odd ones;
 *   - B^T[1 + 2 p][i - 1] = point[p] B^T[1 + 2 p][i] for even i > 0.
 *
 * The gradient to the filter needs the same matrices: dw = G^T [(B^T x) . (A dy)].
 *
 * Sources: Winograd, "Arithmetic Complexity of Computations", SIAM 1980; Lavin, Gray, "Fast
 * Algorithms for Convolutional Neural Networks", arXiv:1509.09308; Barabasz, Anderson, Soodhalter,
 * Gregg, "Error Analysis and Improving the Accuracy of Winograd Convolution for Deep Neural
 * Networks", ACM TOMS 46(4), 2020, arXiv:1803.10986. */
#ifndef CLCNN_OP_WINOGRAD_H
#define CLCNN_OP_WINOGRAD_H

#include "base/text.h"
#include <stdbool.h>
#include <stdint.h>

enum { WINOGRAD_MAX_TILE = 6, WINOGRAD_MAX_TAPS = 5, WINOGRAD_MAX_ALPHA = 8 };

struct clcnn_winograd {
    int m, r, alpha;
    int pairs;       /* alpha / 2 - 1 */
    double point[3]; /* [pairs] */
    double at[WINOGRAD_MAX_TILE][WINOGRAD_MAX_ALPHA];
    double g[WINOGRAD_MAX_ALPHA][WINOGRAD_MAX_TAPS];
    double bt[WINOGRAD_MAX_ALPHA][WINOGRAD_MAX_ALPHA];
};

/* False unless (m, r) is (2, 3), (4, 3), (6, 3), (2, 5) or (4, 5). All elements of A^T and B^T are
 * floats. */
bool clcnn_winograd_make(int m, int r, struct clcnn_winograd *out);

/* The matrices as build options for cl/winograd.cl: "-DTILE=4 -DTAPS=3 -DWINOGRAD_POINTS=.. ". */
void clcnn_winograd_options(struct clcnn_text *text, const struct clcnn_winograd *winograd);

/* The largest, over i and k, sum over j of |A^T[i][j]| |G[j][k]| (sum over l of |B^T[j][l]|). Its
 * square is the largest factor by which the three transforms in two dimensions let a rounding
 * grow. */
double clcnn_winograd_amplification(const struct clcnn_winograd *winograd);

/* A-priori bounds of two-dimensional passes in float32, in whatever order sums are added; `terms`
 * is the number of products added up at each of the alpha x alpha positions.
 *
 * clcnn_winograd_sum_bound: y of `terms` channels, for
 *   |y - exact| / (sum over c of max |x_c| in the tile's patch * sum over r, s of |w_rsc|);
 * clcnn_winograd_filter_bound: dw of `terms` tiles, for
 *   |dw - exact| / (sum over tiles of max |x| in the patch * sum |dy| in the tile). */
double clcnn_winograd_sum_bound(const struct clcnn_winograd *winograd, int64_t terms);
double clcnn_winograd_filter_bound(const struct clcnn_winograd *winograd, int64_t terms);

#endif
