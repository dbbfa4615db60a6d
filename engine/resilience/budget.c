#include "engine/resilience/budget.h"

#define TENTHS 10

void budget_init(struct budget *b, unsigned tokens)
{
    if (tokens > BUDGET_TOKENS_MAX)
        tokens = BUDGET_TOKENS_MAX;
    b->most = b->tenths = (int32_t)tokens * TENTHS;
}

void budget_failed(struct budget *b)
{
    b->tenths = b->tenths > TENTHS ? b->tenths - TENTHS : 0;
}

void budget_succeeded(struct budget *b)
{
    if (b->tenths < b->most)
        b->tenths++;
}

bool budget_allows(const struct budget *b)
{
    return b->most == 0 || b->tenths > b->most / 2;
}
