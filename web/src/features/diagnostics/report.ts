import { useAction } from "../../api/action";
import { api, ask } from "../../api/client";
import { saveFile } from "../../api/save";

/** Downloads the redacted report. */
export function useReport() {
  return useAction(async () => {
    const text = await ask(api.GET("/api/v1/report", { parseAs: "text" }));
    saveFile("punktfunk-report.txt", new Blob([String(text)], { type: "text/plain" }));
  });
}
