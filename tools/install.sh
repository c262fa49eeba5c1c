# For tools/quickstart and tools/check to source: brings Debian packages.

# What it takes to build the programs.
BUILD_PACKAGES=(cmake make gcc g++ libc6-dev pkg-config librdkafka-dev libzstd-dev libxxhash-dev
    zlib1g-dev libjsmn-dev tzdata)
# What it takes to run a Kafka broker: tests/support/kafka.py gets it by Maven.
KAFKA_PACKAGES=(default-jre-headless maven kcat python3)
# PostgreSQL with its extension for sketches, to be unpacked and not installed, for
# that would make a service of it; and the libraries that it is linked to.
POSTGRES_PACKAGES=(postgresql-15 postgresql-client-15 postgresql-15-hll)
POSTGRES_LIBRARIES=(libpq5 libxml2 libpam0g libsystemd0 liblz4-1)

package_is_installed() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# Runs a command as root, or says what is wanted of root.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        echo "not root, and no sudo: $*" >&2
        return 1
    fi
}

# install_packages LOG PACKAGE...: asks for root only if something is missing;
# says nothing but what it installs, unless it fails.
install_packages() {
    local log=$1 missing=() name
    shift
    for name in "$@"; do
        package_is_installed "$name" || missing+=("$name")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    echo "installing: ${missing[*]}" >&2
    {
        as_root apt-get -q update </dev/null &&
            as_root env DEBIAN_FRONTEND=noninteractive apt-get -q install -y \
                --no-install-recommends "${missing[@]}" </dev/null
    } >"$log" 2>&1 || {
        tail -n 20 "$log" >&2
        echo "apt-get failed; the whole of it is in $log" >&2
        return 1
    }
}

# unpack_packages LOG FOLDER PACKAGE...: their files below FOLDER, and nowhere else.
unpack_packages() {
    local log=$1 folder=$2
    shift 2
    [ "$(cat "$folder/packages" 2>/dev/null)" != "$*" ] || return 0
    rm -rf "$folder" "$folder.partial"
    mkdir -p "$folder.partial"
    (
        cd "$folder.partial"
        apt-get -q download "$@" || { as_root apt-get -q update && apt-get -q download "$@"; }
        for name in ./*.deb; do
            dpkg-deb -x "$name" . && rm "$name" || exit 1
        done
        echo "$*" >packages
    ) >"$log" 2>&1 </dev/null || {
        tail -n 20 "$log" >&2
        return 1
    }
    mv "$folder.partial" "$folder"
}
