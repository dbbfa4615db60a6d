/* What belay says to somebody who has no configuration yet. */
#include "tui/console.h"

char *console_welcome(void)
{
    static const char text[] = "belay is a terminal incident console: it shows what is broken, walks you\n"
                               "through the failover one confirmed step at a time, survives a dropped\n"
                               "connection, and hands over the timeline for the postmortem.\n"
                               "\n"
                               "There is no configuration yet: no ./belay.yaml, none in ~/.config/belay and\n"
                               "none in /etc/belay. Three ways to begin:\n"
                               "\n"
                               "  belay demo                      a simulated platform; a shard dies on cue\n"
                               "  belay runbook run FILE.md       walk your own Markdown, journaled\n"
                               "  belay check                     after writing a belay.yaml, for example:\n"
                               "\n"
                               "      platform: rag-prod\n"
                               "      badge: PROD\n"
                               "      sources:\n"
                               "        - {name: api, kind: prometheus, url: http://127.0.0.1:8080/metrics,\n"
                               "           preset: resilience4j}\n"
                               "      runbooks: [runbooks/]\n"
                               "\n"
                               "`belay help` lists everything. belay has no rights of its own: it acts as\n"
                               "you, with your uid and your kubeconfig, and only what you confirm.\n";
    return xstrdup(text);
}
