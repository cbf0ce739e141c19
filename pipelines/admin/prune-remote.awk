# The plan of prune-remote.sh. Input: arrival, last write, inode, size and ./NAME of each file, times
# in seconds. Settings: now, by_age and age, full, young.
#
# Everything goes that has arrived before the cut, the arrival of a full set, and that nothing later
# builds on. Names tell only what builds on what: by that, sets can be kept, but not be made to go.

# stamp(TEXT): the time of a set that a text begins with.
function stamp(text) {
    if (substr(text, 1, 16) !~ /^[0-9]+T[0-9]+Z$/ || substr(text, 9, 1) != "T") return ""
    return substr(text, 17) ~ /^([.]|$)/ ? substr(text, 1, 16) : ""
}

function stays_as(what, why) { print "stays " what ", " why }

# temporary(NAME): a file that was written long before it got such a name has been renamed to it.
function temporary(name) {
    if (name == ".upload-d-moobacker-doctor" || $1 > now - 604800) return
    if ($1 - $2 > 3600) stays_as(name, "a temporary name, but the file has borne another")
    else print "go", name, $3, $4, "temporary", 0
}

{
    name = substr($5, 3)
    if (name ~ /^[.]upload-/) { temporary(name); next }
    rest = name
    sub(/^[^.]*[.]/, "", rest)
    base = ""
    if (name ~ /^duplicity-(inc|new-signatures)[.]/) {
        type = "inc"
        base = stamp(rest)
        if (base == "" || substr(rest, 17, 4) != ".to.") rest = ""
        rest = substr(rest, 21)
    } else if (name ~ /^duplicity-full(-signatures)?[.]/) type = "full"
    else type = name ~ /^moobacker[.]/ ? "seal" : ""
    time = stamp(rest)
    if (type == "" || time == "") { stays_as(name, "not ours"); next }

    # Two files for one place in a set: one of them is a stranger.
    place = name
    sub(/[.](gz|z|gpg|g|p7m)$/, "", place)
    if (place in placed) {
        print "twin", placed[place]
        print "twin", name " " $3 " " $4
    } else placed[place] = name " " $3 " " $4

    set = type "-" (base == "" ? "" : base "-") time
    count_files++
    file[count_files] = name " " $3 " " $4
    size[count_files] = $4
    of[count_files] = set
    rank[count_files] = type == "seal" ? 1 : rest ~ /[.]manifest/ ? 2 : rest ~ /[.]vol/ ? 4 : 3
    at[set] = time
    on[set] = base
    if (!(set in last) || $1 > last[set]) last[set] = $1
    if (!(set in first) || $1 < first[set]) first[set] = $1
    if (type == "full" && rest ~ /[.]manifest/) has_manifest[set] = 1
    if (type == "full" && rest ~ /[.]vol1[.]/) has_volume[set] = 1
}

# counted(): the arrivals of the full sets that count, the newest first, in `arrivals`.
function counted(    set, i, n) {
    for (set in has_manifest) {
        if (!(set in has_volume) || last[set] > now - young) continue
        n++
        for (i = n; i > 1 && arrivals[i - 1] < first[set]; i--) arrivals[i] = arrivals[i - 1]
        arrivals[i] = first[set]
    }
    return n
}

# back(CUT, ARRIVAL): the earlier of them; where there is no such full set, nothing goes.
function back(cut, arrival) { return arrival == "" ? 0 : (arrival < cut ? arrival : cut) }

# cut_of(N): where the cut is, with N full sets that count. Of those of one day, only one does.
function cut_of(n,    i, days, day, by_days, by_years, cut) {
    # Who asks for strangers alone names no set.
    if (!by_age && !full) return 0
    day = by_days = by_years = ""
    for (i = 1; i <= n; i++) {
        if (int(arrivals[i] / 86400) != day) { days++; day = int(arrivals[i] / 86400) }
        if (days == full) by_days = arrivals[i]
        if (by_years == "" && arrivals[i] <= now - age) by_years = arrivals[i]
    }
    cut = now - young
    if (full > 0) cut = back(cut, by_days)
    return by_age ? back(cut, by_years) : cut
}

# keep(SET): it stays, and so does what it builds on.
function keep(set) {
    stays[set] = 1
    if (on[set] != "") needed[on[set]] = 1
}

END {
    for (set in has_manifest) any = 1
    if (!any) { print "none"; exit }
    cut = cut_of(counted())
    for (set in at) if (last[set] >= cut) keep(set)
    do {
        more = 0
        for (set in at) if (!(set in stays) && (at[set] in needed)) { keep(set); more = 1 }
    } while (more)
    # A seal is of all sets of its time.
    for (set in stays) if (set !~ /^seal/) sealed[at[set]] = 1
    for (i = 1; i <= count_files; i++) {
        set = of[i]
        if ((set in stays) || at[set] in sealed) { kept[set]++; bytes += size[i] }
        else print "go", file[i], (set ~ /^seal/ ? "seal" : set), rank[i]
    }
    for (set in kept) if (set !~ /^seal/) sets++
    printf "stays sets: %d, %.1f MiB\n", sets, bytes / 1048576
}
