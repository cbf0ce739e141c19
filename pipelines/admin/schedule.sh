# shellcheck shell=sh disable=SC2034,SC2154
# What starts the backups: a file of cron, or timers of systemd. Sourced by setup-local.sh, which makes one of
# both, and by doctor.sh. The variables are theirs.

dropins=/etc/systemd/system wanted=/etc/systemd/system/timers.target.wants
checks_timer=moobacker-checks.timer

# enabled UNIT: whether systemctl has enabled that timer.
enabled() { [ -L "$wanted/$1" ]; }

# starts_backups FILE…: those of the crontabs that start backups, one a line. cron reads no names with a dot.
starts_backups() {
    for crontab; do
        case ${crontab##*/} in *[!A-Za-z0-9_-]*) continue ;; esac
        grep -lsE '^[^#]*moobacker/backup\.sh' "$crontab" || :
    done
}

# by_hand FILE USER: the first line of a crontab that moobacker does not write, if there is one.
by_hand() {
    grep -Evxsm 1 -e '' -e 'MAILTO *=.*' -e "[^#]* $2 sudo -n /[^ ]*/backup\.sh" -e '[^#]* root /[^ ]*/moo run-checks' \
        -- "$1" || :
}

# old_mailto, old_schedule: those of the crontab.
old_mailto() { sed -n 's/^MAILTO *= *//p' "$cron_file" 2>/dev/null | tail -n 1; }
old_schedule() {
    sed -nE "s/^([^#]*) $user sudo -n .*\/backup\.sh\$/\1/p" "$cron_file" 2>/dev/null | head -n 1
}

# check_schedule: refuses what can't be done, before anything is changed. $foreign is a line of the crontab that a
# person has written, who then also changes the others.
check_schedule() {
    cron_file=/etc/cron.d/$user foreign=$(by_hand "/etc/cron.d/$user" "$user")
    starts=$(starts_backups "$cron_file")
    edited="$cron_file: has other lines, such as \"$foreign\""
    if [ -n "$timer" ]; then
        [ -z "$starts" ] || [ -z "$foreign" ] ||
            fail 1 "$edited: delete those with backup.sh and run-checks, because the timer replaces them"
        return
    fi
    command -v visudo >/dev/null || fail 1 'sudo: not found: apt-get install sudo, or pass --systemd'
    [ -z "$foreign" ] || [ -n "$starts" ] ||
        fail 1 "$edited, and starts no backup: add $(cron_line "$user" "$schedule")"
    [ -z "$foreign" ] || [ -z "$mailto" ] || [ "$mailto" = "$(old_mailto)" ] ||
        fail 1 "$edited, and is left as it is: change it by hand: MAILTO=$mailto"
    [ -z "$foreign" ] || [ -z "$schedule" ] || [ "$schedule" = "$(old_schedule)" ] ||
        fail 1 "$edited, and is left as it is: change it by hand: $(cron_line "$user" "$schedule")"
}

# make_schedule: cron, or a timer. The one that is not wanted goes last: no night is without a backup.
make_schedule() {
    mail_file=$dropins/moobacker-failure.service.d/mailto.conf
    if [ -n "$timer" ]; then
        make_timer
        retire_cron
    else
        make_cron
        retire_timers
    fi
}

# make_cron: the crontab. What was not given stays as it is, also if a timer had it.
make_cron() {
    [ -z "$foreign" ] || return 0
    [ -n "$mailto" ] || mailto=$(old_mailto)
    [ -n "$mailto" ] || mailto=$(sed -n 's/^Environment=MAILTO=//p' "$mail_file" 2>/dev/null)
    [ -n "$schedule" ] || schedule=$(old_schedule)
    checks=$(conf_cron_checks)
    text="MAILTO=${mailto:-root}$newline$(cron_line "$user" "$schedule")${checks:+$newline$checks}"
    [ "$(cat -- "$cron_file" 2>/dev/null)" = "$text" ] || printf '%s\n' "$text" | put 644 "$cron_file"
}

# retire_timers: disables those that are enabled, because cron starts the backups.
retire_timers() {
    gone=''
    for unit in moobacker-root.timer moobacker.timer "$checks_timer"; do
        ! enabled "$unit" || gone="$gone $unit"
    done
    [ -n "$gone" ] || return 0
    # shellcheck disable=SC2086 # one word for each
    disable_timers $gone
    announce "${gone# }: disabled, because $cron_file starts the backups (--systemd enables timers)"
}

# retire_cron: deletes the crontab, because a timer starts the backups.
retire_cron() {
    [ -e "$cron_file" ] && [ -z "$foreign" ] || return 0
    was=$(old_schedule)
    step rm -- "$cron_file"
    announce "$cron_file: deleted, because $backup_timer starts the backups${was:+; cron did at $was}"
}

# make_timer: the installed timers, with drop-ins for what was given. Of the two that back up, one is enabled:
# that of root if the configuration needs root.
make_timer() {
    backup_timer=moobacker.timer other=moobacker-root.timer changed=''
    [ -z "$(conf_all needs-root)" ] || { backup_timer=moobacker-root.timer other=moobacker.timer; }
    if ! enabled "$backup_timer" || enabled "$other"; then switch_timers; fi
    if [ "$user" != moobacker ]; then
        own="[Service]${newline}User=$user"
        drop_in moobacker-failure.service user "$own"
        for unit in moobacker moobacker-checks; do
            drop_in "$unit.service" user "$own${newline}StateDirectory=$user"
        done
    fi
    [ -n "$mailto" ] || [ -e "$mail_file" ] || mailto=$(old_mailto)
    case $mailto in
        '' | *[!A-Za-z0-9@._+,-]*) ;;
        *) drop_in moobacker-failure.service mailto "[Service]${newline}Environment=MAILTO=$mailto" ;;
    esac
    [ -z "$schedule" ] ||
        drop_in moobacker.timer schedule "[Timer]${newline}OnCalendar=${newline}OnCalendar=$schedule"
    timers=$backup_timer
    if [ -n "$(conf_all checks)" ]; then
        timers="$timers $checks_timer"
        enabled "$checks_timer" || changed=yes
    fi
    [ -n "$changed" ] || return 0
    [ ! -d /run/systemd/system ] || step systemctl daemon-reload
    # shellcheck disable=SC2086 # two words
    step systemctl enable --quiet $timers
    # shellcheck disable=SC2086
    [ ! -d /run/systemd/system ] || step systemctl start $timers
}

# switch_timers: leaves none of those that back up, and makes the units known that systemd does not find.
switch_timers() {
    changed=yes
    # That of root comes first, since it has the name of the other one, too.
    disable_timers moobacker-root.timer moobacker.timer
    case $here in
        /usr/lib/moobacker | /usr/local/lib/moobacker) ;;
        *) link_units ;;
    esac
}

# disable_timers UNIT…: those of them that are enabled.
disable_timers() {
    for unit; do
        enabled "$unit" || continue
        [ ! -d /run/systemd/system ] || step systemctl stop "$unit"
        step systemctl disable --quiet "$unit"
    done
}

# link_units: systemd finds those of another folder, but for the one whose name the timer of root takes.
link_units() {
    for unit in "${here%/*}"/systemd/system/moobacker*; do
        [ "$backup_timer ${unit##*/}" = 'moobacker-root.timer moobacker.timer' ] ||
            step systemctl link --quiet "$unit"
    done
}

# drop_in UNIT NAME TEXT: writes it, unless it is there.
drop_in() {
    file=$dropins/$1.d/$2.conf
    [ "$(cat -- "$file" 2>/dev/null)" != "$3" ] || return 0
    changed=yes
    step mkdir -p "$dropins/$1.d"
    printf '%s\n' "$3" | put 644 "$file"
}
