/** The scripts by which shells complete. Each asks the program that is typed, so that they know nothing themselves. */

const BASH = `# Completion of socketry for bash: eval "$(socketry completion bash)"
_socketry() {
	local i
	COMPREPLY=()
	mapfile -t COMPREPLY < <("$1" completion --words bash -- "$COMP_WORDBREAKS" \\
		"\${COMP_LINE:0:COMP_POINT}" 2>/dev/null)
	case \${COMPREPLY[0]-} in
		$'\\tfile')
			COMPREPLY=()
			compopt -o default
			;;
		$'\\tprogram')
			COMPREPLY=()
			for ((i = 1; i < COMP_CWORD; i++)); do
				[[ \${COMP_WORDS[i]} == -- ]] && break
			done
			if declare -F _command_offset >/dev/null; then
				_command_offset $((i + 1))
			elif ((i + 1 == COMP_CWORD)); then
				mapfile -t COMPREPLY < <(compgen -c -- "$2")
			else
				compopt -o default
			fi
			;;
		*[/:=])
			compopt -o nospace
			;;
	esac
}
complete -F _socketry socketry
`;

const ZSH = `#compdef socketry
# Completion of socketry for zsh: eval "$(socketry completion zsh)", after compinit
_socketry() {
	local line
	local -a spaced unspaced
	local -a lines=("\${(@f)$("\${(Q)words[1]}" completion --words zsh -- \\
		"\${(@Q)words[1,CURRENT-1]}" "\${(Q)PREFIX}" 2>/dev/null)}")
	case $lines[1] in
		$'\\tfile')
			_files
			return
			;;
		$'\\tprogram')
			local at=\${words[(i)--]}
			shift at words
			(( CURRENT -= at ))
			_normal
			return
			;;
	esac
	for line in "\${(@)lines}"; do
		local value=\${line%%$'\\t'*} about=\${line#*$'\\t'}
		[[ -n $value ]] || continue
		if [[ $value == *[/:=] ]]; then
			unspaced+=("\${\${value//\\\\/\\\\\\\\}//:/\\\\:}\${about:+:$about}")
		else
			spaced+=("\${\${value//\\\\/\\\\\\\\}//:/\\\\:}\${about:+:$about}")
		fi
	done
	_describe -t candidates socketry spaced -- unspaced -S ''
}
if [[ $funcstack[1] == _socketry ]]; then
	_socketry "$@"
else
	compdef _socketry socketry
fi
`;

const FISH = `# Completion of socketry for fish: socketry completion fish | source
function __socketry_complete
	set -l before (commandline -opc)
	set -l current (commandline -ct)
	set -l word (string unescape -- $current)
	or set word $current
	set -l lines (command $before[1] completion --words fish -- $before "$word" 2>/dev/null)
	switch "$lines[1]"
		case \\tfile
			__fish_complete_path $current
		case \\tprogram
			set -l at (contains -i -- -- $before)
			set -e before[1..$at]
			complete -C (string join ' ' -- (string escape -- $before) $current)
		case '*'
			printf '%s\\n' $lines
	end
end
complete -c socketry -f -a '(__socketry_complete)'
`;

/** Scripts by the names of shells. */
export const SCRIPTS: Readonly<Record<string, string>> = { bash: BASH, zsh: ZSH, fish: FISH };
