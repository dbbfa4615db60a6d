#include "engine/sources/natural.h"

#include <string.h>

int natural_compare(const char *a, const char *b)
{
    while (*a && *b) {
        size_t x = strspn(a, "0123456789"), y = strspn(b, "0123456789");
        if (x && y) {
            size_t zeros_a = strspn(a, "0"), zeros_b = strspn(b, "0");
            zeros_a = zeros_a < x ? zeros_a : x - 1;
            zeros_b = zeros_b < y ? zeros_b : y - 1;
            size_t length_a = x - zeros_a, length_b = y - zeros_b;
            int order = length_a != length_b ? (length_a < length_b ? -1 : 1)
                                             : memcmp(a + zeros_a, b + zeros_b, length_a);
            if (order)
                return order;
            a += x;
            b += y;
        } else if (*a != *b) {
            return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
        } else {
            a++;
            b++;
        }
    }
    return (*a != 0) - (*b != 0);
}
