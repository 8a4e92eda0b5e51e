import { Link, useRouter } from "@tanstack/react-router";
import { useWords } from "../i18n/words";
import { Button } from "../ui/Button";
import { Note } from "../ui/parts";
import { Page } from "../ui/Page";

/** In place of a page that could not be shown. */
export function PageFault({ error }: { error: unknown }) {
  const { t, problem } = useWords();
  const router = useRouter();
  return (
    <Page title={t("app.fault")}>
      <Note tone="bad" role="alert">
        <p>{problem(error)}</p>
      </Note>
      <div>
        <Button icon="restart" onClick={() => void router.invalidate()}>
          {t("app.retry")}
        </Button>
      </div>
    </Page>
  );
}

export function NoSuchPage() {
  const { t } = useWords();
  return (
    <Page title={t("app.notFound")} lead={t("app.notFoundMore")}>
      <div>
        <Link to="/" className="button">
          {t("app.toHome")}
        </Link>
      </div>
    </Page>
  );
}
