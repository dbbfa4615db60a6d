/* The order in which people number things. */
#ifndef BELAY_SOURCES_NATURAL_H
#define BELAY_SOURCES_NATURAL_H

/* As strcmp, but runs of digits compare as numbers: chk_9 before chk_10. */
int natural_compare(const char *a, const char *b);

#endif
