import { useQueryClient } from "@tanstack/react-query";
import { useRouter } from "@tanstack/react-router";
import { useAction } from "../../api/action";
import { api, ask } from "../../api/client";
import { useWords } from "../../i18n/words";
import { Button } from "../../ui/Button";

export function LogOut() {
  const { t } = useWords();
  const router = useRouter();
  const queries = useQueryClient();
  const leave = useAction(async () => {
    await ask(api.DELETE("/api/v1/login"));
    await router.navigate({ to: "/login" });
    queries.clear();
  });
  return (
    <Button busy={leave.isPending} onClick={() => leave.mutate()}>
      {t("about.logout")}
    </Button>
  );
}
