# fish completion for belay. The candidates are belay's own (`belay complete`), from its table of commands; where it has none,
# fish offers files.
function __belay_candidates
    set -l words (commandline -opc) (commandline -ct)
    set -l found (command $words[1] complete -- $words[2..-1] 2>/dev/null)
    if test (count $found) -gt 0
        printf '%s\n' $found
    else
        __fish_complete_path (commandline -ct)
    end
end
complete -c belay -f -a '(__belay_candidates)'
