/* The fallback chains. */
#include "engine/config/options.h"
#include "engine/config/options_breaker.h"

#define OF_CHAIN(field) offsetof(struct config_chain, field)
#define OF_TIER(field)  offsetof(struct config_tier, field)

const struct option options_chains[] = {
    {
        .path = "chains",
        .type = OPTION_GROUPS,
        .help = "Fallback chains: who is asked first, who instead, and what is said when nobody serves. "
                "`belay exec --chain NAME` asks.",
    },
    {
        .path = "chains[].name",
        .type = OPTION_NAME,
        .required = true,
        .minimum = 1,
        .maximum = 48,
        .help = "Unique among the chains.",
        .offset = OF_CHAIN(name),
    },
    {
        .path = "chains[].policy",
        .type = OPTION_NAME,
        .fallback = "default",
        .minimum = 1,
        .maximum = 64,
        .help = "Under which of `policies:`; its attempts are those of the whole chain, at least one a tier.",
        .offset = OF_CHAIN(policy),
    },
    {
        .path = "chains[].idempotent",
        .type = OPTION_BOOLEAN,
        .help = "Whether a question may be put again although it may have had an effect. Default: as the "
                "policy says, else whether all tiers are chats, or GET or HEAD.",
        .offset = OF_CHAIN(idempotent),
    },
    {
        .path = "chains[].cached",
        .type = OPTION_PATH,
        .help = "A JSON file that maps ids to answers: given when no tier serves and `--id` is in it.",
        .offset = OF_CHAIN(cached),
    },
    {
        .path = "chains[].refusal",
        .type = OPTION_LINES,
        .minimum = 1,
        .maximum = 65536,
        .help = "A safe text for when nothing else serves.",
        .offset = OF_CHAIN(refusal),
    },
    {
        .path = "chains[].tiers",
        .type = OPTION_GROUPS,
        .required = true,
        .help =
            "In the order in which they are asked, at most 16 with those of named chains. Each has one of "
            "`command`, `http`, `openai`, `chain`.",
    },
    {
        .path = "chains[].tiers[].name",
        .type = OPTION_NAME,
        .required = true,
        .minimum = 1,
        .maximum = 48,
        .help = "Unique in the chain. Its breaker is `chain/CHAIN/TIER`.",
        .offset = OF_TIER(name),
    },
    {
        .path = "chains[].tiers[].cost",
        .type = OPTION_AMOUNT,
        .minimum = 0,
        .maximum = 1000000LL * 1000000,
        .help = "Of one call, in whatever unit all your costs are.",
        .offset = OF_TIER(cost_micro),
    },
    {
        .path = "chains[].tiers[].accuracy",
        .type = OPTION_DECIMAL,
        .minimum = 0,
        .maximum = 1000,
        .help = "Share of its answers that are right, as `0.95`.",
        .offset = OF_TIER(accuracy_milli),
    },
    {
        .path = "chains[].tiers[].input_max",
        .type = OPTION_INTEGER,
        .minimum = 1,
        .maximum = 1LL << 40,
        .unit = "bytes",
        .help = "Input above it goes to a tier that can take it. Default: not known beforehand.",
        .offset = OF_TIER(input_max),
    },
    {
        .path = "chains[].tiers[].timeout",
        .type = OPTION_DURATION,
        .minimum = 10 * US_PER_MS,
        .maximum = 86400 * US_PER_S,
        .help =
            "No attempt here takes longer, whatever the policy allows. Default for `http` and `openai`: 1m "
            "when the policy says nothing.",
        .offset = OF_TIER(timeout_us),
    },
    {
        .path = "chains[].tiers[].breaker",
        .type = OPTION_GROUP,
        .help = "The rules of this tier's breaker. Default: the policy's, else those below.",
    },
    BREAKER_OPTIONS("chains[].tiers[].breaker", OF_TIER(breaker)),
    {
        .path = "chains[].tiers[].command",
        .type = OPTION_ARGV,
        .help = "A program and its arguments, run without a shell: the input is its stdin, the answer its "
                "stdout.",
        .offset = OF_TIER(command),
    },
    {
        .path = "chains[].tiers[].env",
        .type = OPTION_ENVIRONMENT,
        .help = "Environment variables that are added for the command.",
        .offset = OF_TIER(env),
    },
    {
        .path = "chains[].tiers[].chain",
        .type = OPTION_NAME,
        .minimum = 1,
        .maximum = 48,
        .help = "Another chain: its tiers stand here, with its breakers.",
        .offset = OF_TIER(chain),
    },
    {
        .path = "chains[].tiers[].http",
        .type = OPTION_GROUP,
        .help = "An HTTP request; any answer but 2xx is a failure.",
    },
    {
        .path = "chains[].tiers[].http.url",
        .type = OPTION_URL,
        .required = true,
        .help = "`{input}` and `{id}` in it stand for the input and `--id`, escaped.",
        .offset = OF_TIER(url),
    },
    {
        .path = "chains[].tiers[].http.method",
        .type = OPTION_CHOICE,
        .fallback = "POST",
        .choices = "POST|GET|HEAD|PUT|PATCH|DELETE",
        .help = "GET and HEAD have no body.",
        .offset = OF_TIER(method),
    },
    {
        .path = "chains[].tiers[].http.headers",
        .type = OPTION_GROUP,
        .help = "Headers to send.",
    },
    {
        .path = "chains[].tiers[].http.headers.*",
        .type = OPTION_HEADER,
        .help = "Text, or `{secret: REFERENCE}`; `prefix:` is put before a secret, as `\"Bearer \"`.",
    },
    {
        .path = "chains[].tiers[].http.body",
        .type = OPTION_LINES,
        .minimum = 1,
        .maximum = 65536,
        .help =
            "`{input}` and `{id}` in it stand for the input and `--id`, `{input_json}` and `{id_json}` for "
            "the same as JSON strings; nothing else is replaced. Default: the input.",
        .offset = OF_TIER(body),
    },
    {
        .path = "chains[].tiers[].http.take",
        .type = OPTION_TEXT,
        .minimum = 1,
        .maximum = 1024,
        .help = "JSON Pointer to what is printed of the answer, as `/result/text`. Default: all of it.",
        .offset = OF_TIER(take),
    },
    {
        .path = "chains[].tiers[].http.ca",
        .type = OPTION_PATH,
        .help = "PEM file with the authorities to trust for https, instead of the system's.",
        .offset = OF_TIER(ca),
    },
    {
        .path = "chains[].tiers[].openai",
        .type = OPTION_GROUP,
        .help =
            "A chat endpoint as OpenAI's (`POST URL/chat/completions`): the input is the user's message, the "
            "answer the first choice's.",
    },
    {
        .path = "chains[].tiers[].openai.url",
        .type = OPTION_URL,
        .required = true,
        .help = "Its base, as `https://api.openai.com/v1`.",
        .offset = OF_TIER(url),
    },
    {
        .path = "chains[].tiers[].openai.model",
        .type = OPTION_TEXT,
        .required = true,
        .minimum = 1,
        .maximum = 256,
        .help = "The model's name.",
        .offset = OF_TIER(model),
    },
    {
        .path = "chains[].tiers[].openai.key",
        .type = OPTION_SECRET,
        .help = "Sent as `Authorization: Bearer ...`.",
        .offset = OF_TIER(key),
    },
    {
        .path = "chains[].tiers[].openai.system",
        .type = OPTION_LINES,
        .minimum = 1,
        .maximum = 65536,
        .help = "The system message before the user's.",
        .offset = OF_TIER(system),
    },
    {
        .path = "chains[].tiers[].openai.max_tokens",
        .type = OPTION_INTEGER,
        .minimum = 1,
        .maximum = 10000000,
        .unit = "tokens",
        .help = "At most so long an answer.",
        .offset = OF_TIER(max_tokens),
    },
    {
        .path = "chains[].tiers[].openai.temperature",
        .type = OPTION_DECIMAL,
        .minimum = 0,
        .maximum = 2000,
        .help = "From 0, always alike, to 2.",
        .offset = OF_TIER(temperature_milli),
    },
    {
        .path = "chains[].tiers[].openai.price_in",
        .type = OPTION_AMOUNT,
        .minimum = 0,
        .maximum = 1000000LL * 1000000,
        .help = "Of a million tokens of a question. With it or `price_out` an answer costs what its `usage` "
                "says; `cost` is what a call is expected to cost.",
        .offset = OF_TIER(price_in_micro),
    },
    {
        .path = "chains[].tiers[].openai.price_out",
        .type = OPTION_AMOUNT,
        .minimum = 0,
        .maximum = 1000000LL * 1000000,
        .help = "Of a million tokens of an answer.",
        .offset = OF_TIER(price_out_micro),
    },
    {
        .path = "chains[].tiers[].openai.headers",
        .type = OPTION_GROUP,
        .help = "Further headers, as `api-key` where a gateway wants it.",
    },
    {
        .path = "chains[].tiers[].openai.headers.*",
        .type = OPTION_HEADER,
        .help = "Text, or `{secret: REFERENCE}`; `prefix:` is put before a secret.",
    },
    {
        .path = "chains[].tiers[].openai.ca",
        .type = OPTION_PATH,
        .help = "PEM file with the authorities to trust for https, instead of the system's.",
        .offset = OF_TIER(ca),
    },
    {0},
};
