#!/usr/bin/env bash
# Starts a real Elasticsearch on 127.0.0.1 for tests, waits for it, prints its pid.
#
#   start.sh PORT DATA_DIR        (or the same two names in the environment)
#
# Environment, all optional:
#   ES_VERSION   7.17.29 (default), 8.7.1 or 8.19.21: those of which Maven Central has a distribution
#   ES_HEAP      512m
#   ES_WAIT      seconds to wait for green/yellow (240)
#   ES_SECURITY  1 = x-pack security on: users, API keys, 401s (default 0: open)
#   ES_PASSWORD  password of the superuser "admin" when ES_SECURITY=1
#   ES_CACHE     where the server is unpacked, once (a folder of the user's in the folder of temporary files)
#   ES_PARENT    pid of a process with which the server ends, however that went
#   MVN          maven command (mvn)
set -euo pipefail

PORT=${1:-${PORT:-}}; DATA_DIR=${2:-${DATA_DIR:-}}
if [ -z "$PORT" ] || [ -z "$DATA_DIR" ]; then echo "usage: start.sh PORT DATA_DIR" >&2; exit 2; fi
ES_VERSION=${ES_VERSION:-7.17.29} ES_HEAP=${ES_HEAP:-512m} ES_WAIT=${ES_WAIT:-240}
ES_SECURITY=${ES_SECURITY:-0} ES_PASSWORD=${ES_PASSWORD:-test-only-password} MVN=${MVN:-mvn}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${ES_CACHE:-${TMPDIR:-/tmp}/vitrina-elasticsearch-$(id -u)}
say() { echo "start.sh: $*" >&2; }

mkdir -p "$DATA_DIR"; DATA_DIR=$(cd "$DATA_DIR" && pwd)
if [ ! -e "$DATA_DIR/.es-for-tests" ] && [ -n "$(ls -A "$DATA_DIR")" ]; then
  say "$DATA_DIR is neither empty nor made by this script"; exit 1   # it may get chown -R below
fi
: > "$DATA_DIR/.es-for-tests"
pidfile=$DATA_DIR/es.pid
if [ -s "$pidfile" ] && grep -qsa elasticsearch "/proc/$(cat "$pidfile")/cmdline"; then
  say "already running from $DATA_DIR, pid $(cat "$pidfile")"; exit 1
fi
rm -f "$pidfile"
if (exec 3<>"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null; then say "port $PORT is taken"; exit 1; fi

# ---- 1. the server, unpacked once under the cache (maven cache first, then the registry)
home=$cache/elasticsearch-$ES_VERSION
describe() { # module class
  cat > "$home/modules/$1/plugin-descriptor.properties" <<EOF
name=$1
description=$1
version=$ES_VERSION
elasticsearch.version=$ES_VERSION
java.version=$(case $ES_VERSION in 7.*) echo 1.8;; *) echo 17;; esac)
classname=$2
EOF
}
resolve() {
  local args=(-B -q -Dstyle.color=never -f "$here/pom.xml" "-Des.version=$ES_VERSION" "-Des.out=$cache" process-resources)
  case $ES_VERSION in 7.*) args=(-P reindex7 "${args[@]}");; esac
  rm -rf "$home" "$cache/markers"
  "$MVN" -o "${args[@]}" >/dev/null 2>&1 || "$MVN" "${args[@]}" >&2
  chmod +x "$home"/bin/*
  case $ES_VERSION in 7.*)
    describe reindex org.elasticsearch.reindex.ReindexPlugin
    echo 'grant { permission java.net.SocketPermission "*", "connect"; };' > "$home/modules/reindex/plugin-security.policy";;
  esac
  if command -v javac >/dev/null && command -v jar >/dev/null; then   # lets ES_SECURITY=1 issue API keys, see the source
    mkdir -p "$home/modules/security-index-analysis" "$home/.classes"
    javac -nowarn -cp "$home/lib/*" -d "$home/.classes" "$here/analysis/SecurityIndexAnalysis.java"
    jar cf "$home/modules/security-index-analysis/security-index-analysis.jar" -C "$home/.classes" .
    rm -rf "$home/.classes"
    describe security-index-analysis testsupport.SecurityIndexAnalysis
  else
    say "no javac: API keys cannot be created, everything else works"
  fi
  : > "$home/.complete"
}
mkdir -p "$cache"
( flock 9; [ -f "$home/.complete" ] || resolve ) 9> "$cache/.lock"

# ---- 2. Elasticsearch refuses to run as root: as root, drop to the uid "nobody"
as=() uid=65534
if [ "$(id -u)" = 0 ]; then
  as=(setpriv "--reuid=$uid" "--regid=$uid" --clear-groups)
  chown "$uid:$uid" "$DATA_DIR"
  "${as[@]}" test -w "$DATA_DIR" || { say "uid $uid cannot reach $DATA_DIR: choose another DATA_DIR"; exit 1; }
  if ! "${as[@]}" test -r "$home/bin/elasticsearch"; then   # e.g. checked out under a 0700 folder
    [ -f "$DATA_DIR/home-$ES_VERSION/.complete" ] || cp -r "$home" "$DATA_DIR/home-$ES_VERSION"
    home=$DATA_DIR/home-$ES_VERSION
  fi
fi

# ---- 3. configuration, all under DATA_DIR
conf=$DATA_DIR/config
mkdir -p "$conf/jvm.options.d" "$DATA_DIR/logs" "$DATA_DIR/tmp" "$DATA_DIR/data"
cat > "$conf/elasticsearch.yml" <<EOF
cluster.name: tests
node.name: n1
discovery.type: single-node
network.host: 127.0.0.1
http.port: $PORT
transport.port: 0
path.data: $DATA_DIR/data
path.logs: $DATA_DIR/logs
cluster.routing.allocation.disk.threshold_enabled: false
xpack.security.enabled: $([ "$ES_SECURITY" = 1 ] && echo true || echo false)
EOF
if [ "$ES_SECURITY" = 1 ]; then
  echo 'xpack.security.authc.api_key.enabled: true' >> "$conf/elasticsearch.yml"   # off by default without TLS in 7.x
  case $ES_VERSION in 7.*) ;; *) echo 'xpack.security.autoconfiguration.enabled: false' >> "$conf/elasticsearch.yml";; esac
  touch "$conf/users" "$conf/users_roles" "$conf/roles.yml" "$conf/role_mapping.yml"
fi
cat > "$conf/jvm.options" <<EOF
-Xms64m
-Xmx$ES_HEAP
-XX:+UseSerialGC
-XX:TieredStopAtLevel=1
-XX:-AlwaysPreTouch
-XX:+ExitOnOutOfMemoryError
-XX:ErrorFile=$DATA_DIR/logs/hs_err_pid%p.log
-Djava.io.tmpdir=$DATA_DIR/tmp
EOF
cat > "$conf/log4j2.properties" <<'EOF'
status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = [%d{ISO8601}][%-5p][%-25c{1.}] %m%n
rootLogger.level = info
rootLogger.appenderRef.console.ref = console
EOF
[ "$(id -u)" != 0 ] || chown -R "$uid:$uid" "$DATA_DIR"

if [ -z "${JAVA_HOME:-}" ]; then JAVA_HOME=$(dirname "$(dirname "$(readlink -f "$(command -v java)")")"); fi
export ES_JAVA_HOME=$JAVA_HOME ES_PATH_CONF=$conf ES_TMPDIR=$DATA_DIR/tmp LIBFFI_TMPDIR=$DATA_DIR/tmp HOME=$DATA_DIR
unset JAVA_HOME ES_JAVA_OPTS JAVA_TOOL_OPTIONS _JAVA_OPTIONS
auth=
if [ "$ES_SECURITY" = 1 ]; then
  if ! grep -qs '^admin:' "$conf/users"; then
    "${as[@]}" "$home/bin/elasticsearch-users" useradd admin -p "$ES_PASSWORD" -r superuser >> "$DATA_DIR/logs/console.log" 2>&1 ||
      { say "could not add the user; see $DATA_DIR/logs/console.log"; exit 1; }
  fi
  auth="Authorization: Basic $(printf 'admin:%s' "$ES_PASSWORD" | base64 -w0)"$'\r\n'
fi

# ---- 4. start, then wait until the cluster is green or yellow
log=$DATA_DIR/logs/console.log
cd "$DATA_DIR"
began=$(date +%s)
nohup "${as[@]}" "$home/bin/elasticsearch" -p "$pidfile" >> "$log" 2>&1 < /dev/null &
launcher=$!
health() {
  timeout 10 bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$0" &&
    printf "GET /_cluster/health HTTP/1.0\r\nHost: localhost\r\n%s\r\n" "$1" >&3 && cat <&3' "$PORT" "$auth" 2>/dev/null \
    | grep -qE '"status":"(green|yellow)"'
}
until health; do
  if ! kill -0 "$launcher" 2>/dev/null; then say "the server ended; last lines of $log:"; tail -n 25 "$log" >&2; exit 1; fi
  if [ $(( $(date +%s) - began )) -ge "$ES_WAIT" ]; then
    say "not ready after $ES_WAIT s; last lines of $log:"; tail -n 25 "$log" >&2
    kill "$launcher" 2>/dev/null || true; rm -f "$pidfile"; exit 1
  fi
  sleep 0.3
done
if [ -n "${ES_PARENT:-}" ]; then
  nohup bash -c 'while kill -0 "$0" && kill -0 "$1"; do sleep 1; done; kill -9 "$1"' "$ES_PARENT" "$(cat "$pidfile")" \
    > /dev/null 2>&1 < /dev/null &
fi
say "Elasticsearch $ES_VERSION ready on 127.0.0.1:$PORT after $(( $(date +%s) - began )) s, log $log"
echo "$(cat "$pidfile")"
