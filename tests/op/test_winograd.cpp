/* The generator of Winograd matrices against convolution by its definition. */
#include "support/check.hpp"
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

extern "C" {
#include "op/winograd.h"
}

static const int tiles[][2] = {{2, 3}, {4, 3}, {6, 3}, {2, 5}, {4, 5}};

static struct clcnn_winograd make(const int (&tile)[2])
{
    struct clcnn_winograd w;
    REQUIRE(clcnn_winograd_make(tile[0], tile[1], &w));
    return w;
}

TEST_CASE("winograd: the tiles there are", "[winograd]")
{
    for (int m = -1; m <= 8; m++) {
        for (int r = -1; r <= 8; r++) {
            bool listed = false;
            for (const int(&tile)[2] : tiles)
                listed = listed || (tile[0] == m && tile[1] == r);
            struct clcnn_winograd w;
            INFO("F(" << m << ", " << r << ")");
            CHECK(clcnn_winograd_make(m, r, &w) == listed);
        }
    }
}

/* y[i] = sum over k of w[k] x[i + k] for every x and w means: sum over j of A^T[i][j] G[j][k]
 * B^T[j][l] is 1 where l = i + k, else 0. The sum is symmetric in its three factors, so this is the
 * adjoint identity of both gradients as well. */
TEST_CASE("winograd: the matrices convolve, and their adjoints do", "[winograd]")
{
    for (const int(&tile)[2] : tiles) {
        const struct clcnn_winograd w = make(tile);
        for (int i = 0; i < w.m; i++) {
            for (int k = 0; k < w.r; k++) {
                for (int l = 0; l < w.alpha; l++) {
                    long double sum = 0, magnitude = 0;
                    for (int j = 0; j < w.alpha; j++) {
                        long double term = (long double)w.at[i][j] * w.g[j][k] * w.bt[j][l];
                        sum += term;
                        magnitude += std::fabs(term);
                    }
                    INFO("F(" << w.m << ", " << w.r << ") at " << i << ", " << k << ", " << l);
                    CHECK(std::fabs(sum - (l == i + k)) <= 1e-15L * (magnitude + 1));
                }
            }
        }
    }
}

TEST_CASE("winograd: a worked convolution", "[winograd]")
{
    for (const int(&tile)[2] : tiles) {
        const struct clcnn_winograd w = make(tile);
        const double x[] = {3, -1, 4, 1, -5, 9, 2, -6}, taps[] = {2, -7, 1, 8, -2};
        std::vector<double> u(8), v(8);
        for (int j = 0; j < w.alpha; j++) {
            for (int k = 0; k < w.r; k++)
                u[j] += w.g[j][k] * taps[k];
            for (int l = 0; l < w.alpha; l++)
                v[j] += w.bt[j][l] * x[l];
        }
        for (int i = 0; i < w.m; i++) {
            double y = 0, expected = 0;
            for (int j = 0; j < w.alpha; j++)
                y += w.at[i][j] * (u[j] * v[j]);
            for (int k = 0; k < w.r; k++)
                expected += taps[k] * x[i + k];
            CHECK(y == Approx(expected).margin(1e-12));
        }
    }
}

/* What cl/winograd.cl relies on. */
TEST_CASE("winograd: pairs of points share even and odd halves", "[winograd]")
{
    for (const int(&tile)[2] : tiles) {
        const struct clcnn_winograd w = make(tile);
        const int last = w.alpha - 1;
        for (int l = 0; l < w.alpha; l++) {
            if (l % 2)
                CHECK(w.bt[0][l] == 0);
            else
                CHECK(w.bt[last][l] == 0);
        }
        CHECK(w.bt[0][last - 1] == 1);
        CHECK(w.bt[last][last] == 1);
        for (int p = 0; p < w.pairs; p++) {
            const int plus = 1 + 2 * p, minus = plus + 1;
            CHECK(w.point[p] > 0);
            CHECK(w.bt[plus][0] == 0);
            CHECK(w.bt[plus][last - 1] == 1);
            for (int l = 0; l < w.alpha; l++) {
                CHECK(w.bt[minus][l] == (l % 2 ? -1 : 1) * w.bt[plus][l]);
                if (l % 2 == 0 && l > 0)
                    CHECK(w.bt[plus][l - 1] == w.point[p] * w.bt[plus][l]);
            }
            for (int i = 0; i < w.m; i++)
                CHECK(w.at[i][minus] == (i % 2 ? -1 : 1) * w.at[i][plus]);
            for (int k = 0; k < w.r; k++)
                CHECK(w.g[minus][k] == (k % 2 ? -1 : 1) * w.g[plus][k]);
        }
        for (int j = 0; j < w.alpha; j++) {
            for (int l = 0; l < w.alpha; l++)
                CHECK((double)(float)w.bt[j][l] == w.bt[j][l]);
            for (int i = 0; i < w.m; i++)
                CHECK((double)(float)w.at[i][j] == w.at[i][j]);
        }
    }
}

TEST_CASE("winograd: amplification and bounds", "[winograd]")
{
    const double expected[] = {4.0, 12.5826763, 39.5555556, 12.5826763, 39.5555556};
    for (size_t i = 0; i < 5; i++) {
        const struct clcnn_winograd w = make(tiles[i]);
        double factor = clcnn_winograd_amplification(&w);
        CHECK(factor == Approx(expected[i]).epsilon(1e-7));
        CHECK(clcnn_winograd_sum_bound(&w, 100) > 100 * factor * factor * 0x1p-24);
        CHECK(clcnn_winograd_sum_bound(&w, 100) < 150 * factor * factor * 0x1p-24);
        CHECK(clcnn_winograd_filter_bound(&w, 100) > 100 * factor * factor * 0x1p-24);
        CHECK(clcnn_winograd_filter_bound(&w, 100) < 150 * factor * factor * 0x1p-24);
        CHECK(std::isinf(clcnn_winograd_sum_bound(&w, 1 << 24)));
    }
}

TEST_CASE("winograd: build options", "[winograd]")
{
    const struct clcnn_winograd w = make(tiles[0]);
    struct clcnn_text text = {};
    clcnn_winograd_options(&text, &w);
    REQUIRE_FALSE(text.failed);
    CHECK(std::string(text.data) ==
          "-DTILE=2 -DTAPS=3 -DWINOGRAD_POINTS=1.00000000f "
          "-DWINOGRAD_AT=1.00000000f,1.00000000f,1.00000000f,0.00000000f,"
          "0.00000000f,1.00000000f,-1.00000000f,1.00000000f "
          "-DWINOGRAD_G=-1.00000000f,0.00000000f,0.00000000f,0.500000000f,0.500000000f,"
          "0.500000000f,0.500000000f,-0.500000000f,0.500000000f,0.00000000f,0.00000000f,"
          "1.00000000f "
          "-DWINOGRAD_BT=-1.00000000f,0.00000000f,1.00000000f,0.00000000f,"
          "0.00000000f,1.00000000f,1.00000000f,0.00000000f,"
          "0.00000000f,-1.00000000f,1.00000000f,0.00000000f,"
          "0.00000000f,-1.00000000f,0.00000000f,1.00000000f");
    clcnn_text_clear(&text);
}
