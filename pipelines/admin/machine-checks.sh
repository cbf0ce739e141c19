# shellcheck shell=sh disable=SC2034,SC2154
# What the doctor checks of the machine itself: programs, configuration, user, sudo, schedule.
# Sourced by doctor.sh, whose variables and `finding` it uses.

# roots PATH: it is root's, and nobody else may write it.
roots() {
    why=$(not_roots "$1")
    case $why in
        '') return 0 ;;
        *write*) mend="chmod go-w $(shown "$1")" ;;
        *missing) mend=$2 ;;
        *) mend="chown root:root $(shown "$1")" ;;
    esac
    finding 1 "$1" "$why" "$mend"
    return 1
}

# only_roots PATH: quietly, whether nobody but root can write it or put something else in its place.
only_roots() {
    up=$1
    while :; do
        if [ -L "$up" ] || [ -n "$(not_roots "$up")" ]; then return 1; fi
        [ "$up" != / ] || return 0
        up=$(dirname -- "$up")
    done
}

# roots_up PATH: neither it nor any folder above it can be written by others.
roots_up() {
    up=$1 good=0
    while :; do
        roots "$up" "$set_up" || good=1
        [ "$up" != / ] || return "$good"
        up=$(dirname -- "$up")
    done
}

# check_installation: nobody else can change what root runs.
check_installation() {
    safe=yes
    roots_up "$here" || safe=''
    for file in "$here"/* "$here"/*/*; do roots "$file" : || safe=''; done
    [ -z "$safe" ] || passed "$here" 'only root can change it'
}

# check_configuration: whether it can be trusted, and read.
check_configuration() {
    roots_up "$(dirname -- "$config")" || return 1
    roots "$config" "$set_up --remote URL --source NAME=PATH" || return 1
    why=$(conf_read "$config" 2>&1) || {
        finding 2 "$config" "${why#"$self: $config: "}" "editor $(shown "$config")"
        return 1
    }
    conf_read "$config"
    passed "$config" 'is sound, and only root can change it'
}

# check_user: there is one that nobody can log in as.
check_user() {
    entry=$(getent passwd "$owner") || {
        finding 1 "$owner" 'no such user' "$set_up"
        return 1
    }
    IFS=: read -r _ _ number _ _ home _ <<TEXT
$entry
TEXT
    [ "$number" != 0 ] || fail 1 "$owner: is root: choose another --user"
    before=$result
    [ "$number" -lt 1000 ] || finding 1 "$owner" 'not a system user' "usermod -u $(free_number) $owner"
    ways=$(logins "$owner")
    while read -r way; do
        [ -z "$way" ] || finding 1 "$owner" "${way%%: *}" "${way#*: }"
    done <<TEXT
$ways
TEXT
    for group in $(id -Gn -- "$owner"); do
        [ "$group" = "$(id -gn -- "$owner")" ] ||
            finding 1 "$owner" "is in the group $group" "gpasswd -d $owner $group"
    done
    [ "$before" != "$result" ] || passed "$owner" 'is a user that nobody can log in as'
}

# A number that a user of the system may have.
free_number() {
    seq 999 -1 100 | while read -r number; do
        getent passwd "$number" >/dev/null || { echo "$number" && break; }
    done
}

# check_home: the user's own files are the user's, and what is private is.
check_home() {
    [ -d "$home" ] || {
        finding 1 "$home" 'is missing' "install -d -m 700 -o $owner -g $owner $home"
        leave
    }
    strange=$(find "$home" -xdev ! -user "$owner" -print -quit)
    if [ -n "$strange" ]; then
        finding 1 "$strange" "does not belong to $owner" "chown -hR $owner:$(id -gn -- "$owner") $home"
    fi
    for folder in "$home" "$home/.ssh" "$home/.gnupg"; do
        [ ! -d "$folder" ] || private "$folder" 700
    done
    [ -n "$strange" ] || passed "$home" "is for $owner alone"
}

# private PATH MODE: nobody but its owner has any right to it.
private() {
    case $(stat -c %A -- "$1") in ????------) return 0 ;; esac
    # The user's, who could put a link in its place.
    finding 1 "$1" 'others have rights to it' "runuser -u $owner -- chmod $2 $(shown "$1")"
    return 1
}

# check_sudo: the user may run one command as root, and nothing else.
check_sudo() {
    if enabled "$backup_timer" && ! command -v sudo >/dev/null; then passed sudo 'is not needed' && return; fi
    file=/etc/sudoers.d/$owner rule=$(sudo_rule "$owner")
    allowed=${rule#* ALL=(root) }
    if [ ! -e "$file" ]; then
        finding 1 "$file" 'is missing' "$set_up" && return 0
    fi
    case $(stat -c '%u %a' -- "$file") in
        '0 440' | '0 400') ;;
        *) finding 1 "$file" 'is not for root alone' "chown root:root $file && chmod 440 $file" && return 0 ;;
    esac
    if [ "$(cat -- "$file")" != "$rule" ]; then
        finding 1 "$file" 'is not the one line that is needed' "rm $file && $set_up" && return 0
    fi
    why=$(visudo -c 2>&1) || {
        why=$(printf '%s\n' "$why" | grep -v 'parsed OK$' | sed 1q)
        finding 1 sudo "$why" "visudo${why:+ -f $(printf '%s\n' "$why" | sed 's/:.*//')}" && return 0
    }
    more=$(sudo -n -l -U "$owner" | sed -n 's/^    (/(/p' | grep -Fxv -e "(root) $allowed" | sed 1q) || :
    # What a group gives is told with the group.
    if [ -n "$more" ] && [ "$(id -Gn -- "$owner")" = "$(id -gn -- "$owner")" ]; then
        other=$(grep -rlE "^[[:space:]]*($owner|ALL|[0-9A-Z_]+)[[:space:]]" /etc/sudoers.d | grep -Fxv "$file" | sed 1q) || :
        finding 1 sudo "$owner may do more than back up, $more" "visudo -f ${other:-/etc/sudoers}" && return 0
    fi
    passed "$file" "lets $owner run $here/backup.sh as root, and nothing else"
}

# While that of root is enabled, it is the other one, too.
backup_timer=moobacker-root.timer
enabled "$backup_timer" || backup_timer=moobacker.timer

# check_start: one schedule starts the backup, and tells somebody when it fails.
check_start() {
    file=/etc/cron.d/$owner
    others=$(starts_backups /etc/cron.d/* /etc/crontab /var/spool/cron/crontabs/*)
    if enabled "$backup_timer"; then one=$backup_timer; else one=$file; fi
    others=$(printf '%s\n' "$others" | grep -Fvx -e "$one") || others=''
    if [ -n "$others" ]; then
        check_others && return 0
    fi
    if enabled "$backup_timer"; then
        check_timer
    elif [ -e "$file" ]; then
        ! roots "$file" : || check_cron
    elif [ -n "$others" ]; then
        passed "$others" 'starts backups'
    else
        finding 1 schedule 'there is none' "$(cron_lines) >$file"
    fi
}

# check_others: $others start backups, and perhaps so does $one.
check_others() {
    enabled "$one" || [ -n "$(starts_backups "$one")" ] || return 1
    mend=''
    for other in $others; do mend="$mend${mend:+ && }$(without "$other")"; done
    finding 1 schedule "$one starts backups, and so does $(printf '%s\n' "$others" | paste -s -d ' ')" "$mend"
}

# without FILE: the command after which that crontab starts neither backups nor checks. A file in which a person
# has written is not deleted.
without() {
    comment="sed -i -E '/moobacker\/(backup[.]sh|moo run-checks)/s/^/#/' $(shown "$1")"
    if [ "$1" != "/etc/cron.d/$owner" ] || [ -n "$(by_hand "$1" "$owner")" ]; then
        echo "$comment" && return
    fi
    checks=''
    [ -z "$configured" ] || checks=$(conf_cron_checks)
    if [ -n "$checks" ] && ! enabled "$checks_timer"; then
        echo "rm $1 && systemctl enable --now $checks_timer"
    else
        echo "rm $1"
    fi
}

# The command that prints a schedule for cron.
cron_lines() {
    checks=''
    [ -z "$configured" ] || checks=$(conf_cron_checks)
    printf '%s\n' "printf '%s\\n' MAILTO=root '$(cron_line "$owner")'${checks:+" '$checks'"}"
}

check_cron() {
    command -v cron >/dev/null || command -v crond >/dev/null || {
        finding 1 cron 'is not installed' 'apt-get install cron' && return 0
    }
    grep -Eq "^[^#]+[[:space:]]${owner}[[:space:]].*sudo -n $here/backup.sh" "$file" || {
        finding 1 "$file" 'starts no backup' "$(cron_lines) >$file" && return 0
    }
    grep -Eq '^MAILTO *= *["'\'']?[^"'\'' ]' "$file" || {
        finding 1 "$file" 'nobody gets mail when a backup fails' \
            "sed -i -e '1i MAILTO=root' -e '/^MAILTO/d' $file" && return 0
    }
    command -v sendmail >/dev/null || {
        finding 1 cron 'there is no sendmail, so that its mail goes nowhere' 'apt-get install msmtp-mta' && return 0
    }
    running cron || return 0
    passed "$file" 'starts backups, and sends mail when one fails'
}

check_timer() {
    running "$backup_timer" || return 0
    root_keys=$(conf_all needs-root | paste -s -d , | sed 's/,/, /g')
    if [ "$backup_timer" = moobacker.timer ] && [ -n "$root_keys" ]; then
        what="backs up without root, which the configuration needs for $root_keys"
        case $root_keys in *before* | *after* | *failed*) what="$what unless it has hooks-need-root = false" ;; esac
        finding 1 "$backup_timer" "$what" \
            "systemctl disable --now $backup_timer && systemctl enable --now moobacker-root.timer"
        return 0
    fi
    command -v sendmail >/dev/null || {
        finding 1 "$backup_timer" 'there is no sendmail, so that nobody gets mail when a backup fails' \
            'apt-get install msmtp-mta' && return 0
    }
    passed "$backup_timer" 'starts backups, and sends mail when one fails'
}

# check_checks: something runs the checks that are configured.
check_checks() {
    checks=$(conf_cron_checks)
    [ -n "$checks" ] || return 0
    file=/etc/cron.d/$owner
    if enabled "$checks_timer"; then
        running "$checks_timer" || return 0
        passed "$checks_timer" 'runs the checks'
    elif grep -q '^[^#].* run-checks' "$file" 2>/dev/null; then
        passed "$file" 'runs the checks'
    elif enabled "$backup_timer"; then
        finding 1 checks 'nothing runs them' "systemctl enable --now $checks_timer"
    elif [ -e "$file" ]; then
        finding 1 checks 'nothing runs them' "echo '$checks' >>$file"
    fi
}

# running UNIT: unless systemd, where it runs, says otherwise.
running() {
    [ -d /run/systemd/system ] || return 0
    systemctl is-active --quiet "$1" || {
        finding 1 "$1" 'does not run' "systemctl enable --now $1"
        return 1
    }
}

# check_paths: what is to be backed up is there.
check_paths() {
    for name in $(conf_sources); do
        path=$(conf_rows "$name" source)
        if [ "$path" = - ]; then
            passed "$name" 'is the output of commands'
        elif [ -e "$path" ]; then
            passed "$name" "$path is there"
        else
            finding 1 "$name" "$path is missing" "editor $(shown "$config")"
        fi
    done
}
