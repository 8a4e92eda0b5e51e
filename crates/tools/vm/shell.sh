# Carries out what comes over the second serial port, a numbered line each, and answers with the number and how it ended.
exec <>/dev/ttyS1 >&0
stty raw -echo
while read -r number command; do
  said=$(bash -c "$command" 2>&1 </dev/null)
  printf 'began %s\n%s\nended %s %d\n' "$number" "$said" "$number" $?
done
