/* The one table of keys. What is not built is not here; what is here has a line of help. Letters that act in
 * a context take them from "everywhere" only there. */
#include "tui/keys.h"

const struct key_binding key_table[] = {
    /* everywhere */
    {"? F1", CONTEXT_ANYWHERE, "help", "what the keys do here", "help", 0},
    {"/", CONTEXT_ANYWHERE, "filter", "show only what matches a regular expression; a leading ! inverts",
     "filter", 0},
    {":", CONTEXT_ANYWHERE, "command", "command line: Tab completes, Up brings earlier ones back", "command",
     0},
    {"Tab", CONTEXT_ANYWHERE, "panel-next", "the next panel", "panel", 0},
    {"Shift-Tab", CONTEXT_ANYWHERE, "panel-previous", "the panel before", NULL, 0},
    {"Enter", CONTEXT_ANYWHERE, "open", "open what is selected, go on; never confirms", "open", 0},
    {"Esc", CONTEXT_ANYWHERE, "back", "back one level, clears the filter first; never quits", NULL, 0},
    {"r", CONTEXT_ANYWHERE, "runbooks", "runbooks: interrupted, offered, all", "runbooks", 0},
    {"n", CONTEXT_ANYWHERE, "note", "write a note to the timeline", "note", 0},
    {"i", CONTEXT_ANYWHERE, "incidents", "incidents", "incident", 0},
    {"a", CONTEXT_ANYWHERE, "approvals", "approvals that wait for me", NULL, 0},
    {"u", CONTEXT_ANYWHERE, "update", "a status update on the incident, ready to paste", NULL, 0},
    {"L", CONTEXT_ANYWHERE, "logs", "the logs of the selected thing, in a pager", NULL, 0},
    {"1", CONTEXT_ANYWHERE, "panel 1", "breakers, whole screen", NULL, 0},
    {"2", CONTEXT_ANYWHERE, "panel 2", "fallback hits, whole screen", NULL, 0},
    {"3", CONTEXT_ANYWHERE, "panel 3", "shards, snapshots and components, whole screen", NULL, 0},
    {"4", CONTEXT_ANYWHERE, "panel 4", "checkpoints, whole screen", NULL, 0},
    {"5", CONTEXT_ANYWHERE, "panel 5", "runs, whole screen", NULL, 0},
    {"6", CONTEXT_ANYWHERE, "panel 6", "timeline, whole screen", NULL, 0},
    {"7", CONTEXT_ANYWHERE, "panel 7", "alerts, whole screen", "alerts", 0},
    {"8", CONTEXT_ANYWHERE, "panel 8", "signals, whole screen", NULL, 0},
    {"9", CONTEXT_ANYWHERE, "panel 9", "sources, whole screen", NULL, 0},
    {"v", CONTEXT_ANYWHERE, "copy", "what is on the screen without borders, to copy from", "copy", 0},
    {"Z", CONTEXT_ANYWHERE, "freeze", "freeze the picture; the engine goes on", "freeze", 0},
    {"t", CONTEXT_ANYWHERE, "time", "UTC or local time", NULL, 0},
    {"Ctrl-L", CONTEXT_ANYWHERE, "redraw", "draw the screen anew", NULL, 0},
    {"Ctrl-Z", CONTEXT_ANYWHERE, "suspend", "give the terminal back to the shell; fg comes back", NULL, 0},
    {"Ctrl-C", CONTEXT_ANYWHERE, "interrupt", "in a running step: cancel, background or leave", NULL,
     KEY_HIDDEN},
    {"q", CONTEXT_ANYWHERE, "quit", "quit; a running step goes on", "quit", 0},

    /* on the dashboard */
    {"Up k", CONTEXT_DASHBOARD, "focus-up", "the panel above", NULL, 0},
    {"Down j", CONTEXT_DASHBOARD, "focus-down", "the panel below", NULL, 0},
    {"Left h", CONTEXT_DASHBOARD, "focus-left", "the panel on the left", NULL, 0},
    {"Right l", CONTEXT_DASHBOARD, "focus-right", "the panel on the right", NULL, 0},

    /* in a list */
    {"Up k", CONTEXT_LIST, "up", "up", NULL, 0},
    {"Down j", CONTEXT_LIST, "down", "down", NULL, 0},
    {"PgUp Ctrl-B", CONTEXT_LIST, "page-up", "a page up", NULL, 0},
    {"PgDn Ctrl-F", CONTEXT_LIST, "page-down", "a page down", NULL, 0},
    {"g Home", CONTEXT_LIST, "top", "the first", NULL, 0},
    {"G End", CONTEXT_LIST, "bottom", "the last", NULL, 0},
    {"s", CONTEXT_LIST, "sort", "sort by the next column", "sort", 0},
    {"o", CONTEXT_LIST, "override", "override a breaker of belay's own: asks how, why and for how long", NULL,
     KEY_ACTS},
    {"S", CONTEXT_LIST, "sort-reverse", "sort the other way round", NULL, 0},

    /* in a text */
    {"Up k", CONTEXT_TEXT, "up", "up", NULL, 0},
    {"Down j", CONTEXT_TEXT, "down", "down", NULL, 0},
    {"Left h", CONTEXT_TEXT, "left", "to the left", NULL, 0},
    {"Right l", CONTEXT_TEXT, "right", "to the right", NULL, 0},
    {"PgUp Ctrl-B", CONTEXT_TEXT, "page-up", "a page up", NULL, 0},
    {"PgDn Ctrl-F Space", CONTEXT_TEXT, "page-down", "a page down", NULL, 0},
    {"g Home", CONTEXT_TEXT, "top", "the beginning", NULL, 0},
    {"G End", CONTEXT_TEXT, "bottom", "the end; output is followed from there", NULL, 0},
    {"o", CONTEXT_TEXT, "override", "override a breaker of belay's own, on its page", NULL, KEY_ACTS},
    {"w", CONTEXT_TEXT, "wrap", "wrap long lines, or scroll sideways", "wrap", 0},

    /* in another's run: it goes on there */
    {"T", CONTEXT_FOLLOW, "take-over", "take the run over from the console that walks it, with a reason",
     "take over", KEY_ACTS},

    /* in a runbook's run */
    {"Enter", CONTEXT_RUN, "step-open", "open the page of the step that waits, answer it, go on", "next step",
     0},
    {"x", CONTEXT_RUN, "step-skip", "leave the waiting step out, with a reason", "skip", KEY_ACTS},
    {"X", CONTEXT_RUN, "run-stop", "end the run here, with a reason", "stop run", KEY_ACTS},

    /* on a confirmation page: every character that can be typed goes to the answer */
    {"Esc", CONTEXT_CONFIRM, "confirm-leave", "leave without running it", "leave", 0},
    {"Enter", CONTEXT_CONFIRM, "confirm-accept",
     "run it, if the word asked for is typed; alone it never does", NULL, KEY_ACTS},
    {"Backspace Ctrl-H", CONTEXT_CONFIRM, "confirm-erase", "erase a character", NULL, 0},
    {"Ctrl-U", CONTEXT_CONFIRM, "confirm-clear", "erase what was typed", NULL, 0},
    {"Up", CONTEXT_CONFIRM, "up", "up", NULL, 0},
    {"Down", CONTEXT_CONFIRM, "down", "down", NULL, 0},
    {"PgUp", CONTEXT_CONFIRM, "page-up", "a page up", NULL, 0},
    {"PgDn", CONTEXT_CONFIRM, "page-down", "a page down", NULL, 0},
    {"Ctrl-C", CONTEXT_CONFIRM, "confirm-leave", "leave without running it", NULL, KEY_HIDDEN},
    {"Ctrl-L", CONTEXT_CONFIRM, "redraw", "draw the screen anew", NULL, KEY_HIDDEN},
    {"Ctrl-Z", CONTEXT_CONFIRM, "suspend", "give the terminal back to the shell; nothing is confirmed", NULL,
     KEY_HIDDEN},
    {"F1", CONTEXT_CONFIRM, "help", "what the keys do here", "help", 0},

    /* while a step runs */
    {"b Esc", CONTEXT_RUNNING, "background", "back to the dashboard; the step goes on", "background", 0},
    {"Ctrl-C", CONTEXT_RUNNING, "interrupt", "asks: cancel, background or leave", "interrupt", 0},

    /* in a popup */
    {"c", CONTEXT_POPUP, "cancel-step", "cancel the step: TERM, after its grace period KILL", "cancel",
     KEY_ACTS | KEY_STOPS},
    {"b", CONTEXT_POPUP, "background", "back to the dashboard; the step goes on", "background", 0},
    {"l Esc Enter", CONTEXT_POPUP, "leave", "leave the question, stay with the step", "leave", 0},

    /* when a step waits for a choice: the page lists those that are possible */
    {"r", CONTEXT_CHOICE, "choose retry", "again, from its page", NULL, KEY_ACTS},
    {"b", CONTEXT_CHOICE, "choose rollback", "go to its rollback's page", NULL, KEY_ACTS},
    {"c", CONTEXT_CHOICE, "choose continue", "go on with the next step", NULL, KEY_ACTS},
    {"s", CONTEXT_CHOICE, "choose stop", "end the run here", NULL, KEY_ACTS},
    {"x", CONTEXT_CHOICE, "choose skip", "leave this step out, with a reason", NULL, KEY_ACTS},
    {"v", CONTEXT_CHOICE, "choose verify", "run its verification again", NULL, KEY_ACTS},
    {"o", CONTEXT_CHOICE, "resolve ok", "it is known now that it worked, with a reason", NULL, KEY_ACTS},
    {"f", CONTEXT_CHOICE, "resolve failed", "it is known now that it failed, with a reason", NULL, KEY_ACTS},

    /* when a step waits for an answer */
    {"1", CONTEXT_ANSWER, "answer 1", "the first answer", NULL, KEY_ACTS},
    {"2", CONTEXT_ANSWER, "answer 2", "the second answer", NULL, KEY_ACTS},
    {"3", CONTEXT_ANSWER, "answer 3", "the third answer", NULL, KEY_ACTS},
    {"4", CONTEXT_ANSWER, "answer 4", "the fourth answer", NULL, KEY_ACTS},
    {"5", CONTEXT_ANSWER, "answer 5", "the fifth answer", NULL, KEY_ACTS},
    {"6", CONTEXT_ANSWER, "answer 6", "the sixth answer", NULL, KEY_ACTS},
    {"7", CONTEXT_ANSWER, "answer 7", "the seventh answer", NULL, KEY_ACTS},
    {"8", CONTEXT_ANSWER, "answer 8", "the eighth answer", NULL, KEY_ACTS},
    {"9", CONTEXT_ANSWER, "answer 9", "the ninth answer", NULL, KEY_ACTS},

    /* when a rehearsal asks what came of an execution: nothing acts */
    {"o", CONTEXT_OUTCOME, "outcome ok", "it did what it should", "ok", 0},
    {"f", CONTEXT_OUTCOME, "outcome failed", "it definitely failed", "failed", 0},
    {"u", CONTEXT_OUTCOME, "outcome unknown", "nobody knows", "unknown", 0},
    {"T", CONTEXT_OUTCOME, "outcome timed-out", "it took longer than its limit", "timed out", 0},
    {"e", CONTEXT_OUTCOME, "outcome exit", "it exited with a status that is asked for", "exit N", 0},
    {"p", CONTEXT_OUTCOME, "outcome output", "it exited with 0 and printed what is asked for", "prints", 0},
    {"a", CONTEXT_OUTCOME, "outcome all", "the same of every further item or rung of the step", "all", 0},

    /* on a runbook's page */
    {"R", CONTEXT_DOCUMENT, "rehearse", "rehearse it: the same walk, nothing is run", "rehearse", 0},

    /* while typing */
    {"Enter", CONTEXT_EDITOR, "accept", "done", NULL, 0},
    {"Esc Ctrl-C", CONTEXT_EDITOR, "cancel", "leave it", NULL, 0},
    {"Left Ctrl-B", CONTEXT_EDITOR, "cursor-left", "to the left", NULL, 0},
    {"Right Ctrl-F", CONTEXT_EDITOR, "cursor-right", "to the right", NULL, 0},
    {"Alt-b", CONTEXT_EDITOR, "word-left", "a word to the left", NULL, 0},
    {"Alt-f", CONTEXT_EDITOR, "word-right", "a word to the right", NULL, 0},
    {"Home Ctrl-A", CONTEXT_EDITOR, "line-start", "to the beginning", NULL, 0},
    {"End Ctrl-E", CONTEXT_EDITOR, "line-end", "to the end", NULL, 0},
    {"Backspace Ctrl-H", CONTEXT_EDITOR, "erase-left", "erase the character before", NULL, 0},
    {"Del Ctrl-D", CONTEXT_EDITOR, "erase-right", "erase the character here", NULL, 0},
    {"Ctrl-W", CONTEXT_EDITOR, "erase-word", "erase the word before", NULL, 0},
    {"Ctrl-U", CONTEXT_EDITOR, "erase-line", "erase all", NULL, 0},
    {"Ctrl-K", CONTEXT_EDITOR, "erase-to-end", "erase what follows", NULL, 0},
    {"Up Ctrl-P", CONTEXT_EDITOR, "history-back", "what was typed before", NULL, 0},
    {"Down Ctrl-N", CONTEXT_EDITOR, "history-forward", "what was typed after it", NULL, 0},
    {"Tab", CONTEXT_EDITOR, "complete", "complete", NULL, 0},
    {"Ctrl-L", CONTEXT_EDITOR, "redraw", "draw the screen anew", NULL, KEY_HIDDEN},
    {"Ctrl-Z", CONTEXT_EDITOR, "suspend", "give the terminal back to the shell", NULL, KEY_HIDDEN},

    {NULL, CONTEXT_ANYWHERE, NULL, NULL, NULL, 0},
};
