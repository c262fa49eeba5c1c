# For tools/quickstart and tools/check to source: brings Debian packages.

# What it takes to build the programs.
BUILD_PACKAGES=(cmake make gcc g++ libc6-dev pkg-config librdkafka-dev libzstd-dev libxxhash-dev
    zlib1g-dev libjsmn-dev tzdata)
# What it takes to run a Kafka broker: tests/support/kafka.py gets it by Maven.
KAFKA_PACKAGES=(default-jre-headless maven kcat python3)

package_is_installed() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# install_packages LOG PACKAGE...: asks for root only if something is missing;
# says nothing but what it installs, unless it fails.
install_packages() {
    local log=$1 missing=() root=() name
    shift
    for name in "$@"; do
        package_is_installed "$name" || missing+=("$name")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    if [ "$(id -u)" -ne 0 ]; then
        root=(sudo)
        command -v sudo >/dev/null || {
            echo "run as root, or install these first: ${missing[*]}" >&2
            return 1
        }
    fi
    echo "installing: ${missing[*]}" >&2
    {
        "${root[@]}" apt-get -q update </dev/null &&
            "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q install -y \
                --no-install-recommends "${missing[@]}" </dev/null
    } >"$log" 2>&1 || {
        tail -n 20 "$log" >&2
        echo "apt-get failed; the whole of it is in $log" >&2
        return 1
    }
}
