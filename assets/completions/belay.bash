# bash completion for belay. The candidates are belay's own (`belay complete`), from its table of commands; where it has none,
# bash offers files.
_belay() {
    local line=${COMP_LINE:0:COMP_POINT} words word typed prefix candidate
    COMPREPLY=()
    # bash splits words at "=" and ":"; belay wants them whole.
    read -ra words <<<"$line"
    [[ $line == *[[:space:]] ]] && words+=('')
    typed=${words[${#words[@]} - 1]}
    prefix=${typed%"${COMP_WORDS[COMP_CWORD]}"}
    [[ ${COMP_WORDS[COMP_CWORD]} == = ]] && prefix=$typed
    while IFS=$'\t' read -r candidate word; do
        COMPREPLY+=("${candidate#"$prefix"}")
    done < <("${words[0]/#\~\//$HOME/}" complete -- "${words[@]:1}" 2>/dev/null)
}
complete -o bashdefault -o default -F _belay belay
