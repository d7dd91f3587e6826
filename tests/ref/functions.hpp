/* The functions of <clcnn/map.h> in double. */
#ifndef CLCNN_TESTS_REF_FUNCTIONS_HPP
#define CLCNN_TESTS_REF_FUNCTIONS_HPP

#include <clcnn/map.h>

bool ref_function_works(enum clcnn_function function, enum clcnn_dtype type);

/* The first operand must be above 0. */
bool ref_positive(enum clcnn_function function);

/* OpenCL leaves it open, or it is a difference or product of infinities. */
bool ref_undefined_at_infinity(enum clcnn_function function);

/* Units in the last place of a float of the result's size (or of 1) that OpenCL C 1.2 (table 7.4)
 * and the operations around a function allow. 0: exact. */
double ref_ulps(enum clcnn_function function);

/* f(a, b, c), to be rounded to y's type by the caller. */
double ref_function(const struct clcnn_map_params &params, double a, double b, double c);

#endif
