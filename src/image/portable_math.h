/*
 * The two transcendental functions that decide bytes we promise to be the same everywhere. The C
 * library's may differ in the last bit from one system to another; these use only additions,
 * multiplications and exact operations, in a fixed order.
 */
#ifndef LAB_IMAGE_PORTABLE_MATH_H
#define LAB_IMAGE_PORTABLE_MATH_H

#include <math.h>

/* sin(pi x), to about 1e-15: the Taylor series after reduction to [-1/2, 1/2]. */
static inline double lab_sin_pi(double x)
{
    double whole = floor(x + 0.5);
    double r = (x - whole) * 3.14159265358979323846;
    double term = r, sum = r;
    for (int k = 1; k <= 10; k++) {
        term = term * -(r * r) / (double)((2 * k) * (2 * k + 1));
        sum += term;
    }
    return fmod(whole, 2.0) != 0.0 ? -sum : sum;
}

/* e^x for x <= 0, to about 1e-15; 0 below -700. */
static inline double lab_exp_negative(double x)
{
    if (x < -700.0)
        return 0.0;
    double whole = floor(x * 1.44269504088896340736 + 0.5);
    double r = (x - whole * 0.693147180369123816490) - whole * 1.90821492927058770002e-10;
    double term = 1.0, sum = 1.0;
    for (int k = 1; k <= 14; k++) {
        term = term * r / (double)k;
        sum += term;
    }
    return ldexp(sum, (int)whole);
}

#endif
