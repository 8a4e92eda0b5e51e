#!/bin/bash
# Stands in for gamescope in tests: the same arguments, ready line, node of PipeWire and input socket, and it ends with the
# application, with status 0. `RATE` is how often it paints, `FAULT` what it does wrong, `STAND_IN` a directory with the
# input server's socket `eis` in it.
case $1 in
  --version) echo "[gamescope] [Info]  console: gamescope version ${VERSION:-3.16.23} (stand-in)"; exit ;;
  --help) echo "${HELP:---backend: headless => use headless backend}" >&2; exit ;;
esac
echo $$ >"$STAND_IN/pid"
echo "$*" >"$STAND_IN/arguments"
while [ "$1" != -- ]; do
  case $1 in
    --backend) backend=$2 ;;
    -W) width=$2 ;;
    -H) height=$2 ;;
    -R) ready=$2 ;;
  esac
  shift
done
shift
[ "$backend" = headless ] || exit 9
[ "$FAULT" = dies ] && exit 7
[ "$FAULT" = mute ] && exec sleep 1000
[ "$FAULT" = wide ] && width=$((width + 2))
[ "$FAULT" = no-input ] || ln -s "$STAND_IN/eis" "$XDG_RUNTIME_DIR/gamescope-0-ei"
# GStreamer's source crashes at times when it is linked while it paints (Debian 12): then `crashed` says so.
paint() {
  gst-launch-1.0 -q --no-fault videotestsrc is-live=true pattern=solid-color foreground-color=0xff205080 \
    ! video/x-raw,format=BGRx,width=$width,height=$height,framerate=${RATE:-60/1} \
    ! pipewiresink mode=provide stream-properties="props,node.name=gamescope,media.class=Video/Source"
  [ $? -lt 128 ] || touch "$STAND_IN/crashed"
}
[ "$FAULT" = no-picture ] || paint &
echo ":0 gamescope-0" >"$ready"
"$@"
exit 0
