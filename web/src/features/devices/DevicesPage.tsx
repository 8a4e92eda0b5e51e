import { useSuspenseQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { devices } from "../../api/queries";
import { useWords } from "../../i18n/words";
import { Page } from "../../ui/Page";
import { Card, Empty } from "../../ui/parts";
import { DeviceRow } from "./DeviceRow";
import "./devices.css";

export function DevicesPage() {
  const { t } = useWords();
  const { data } = useSuspenseQuery(devices);
  const pair = (
    <Link to="/pairing" className="button">
      {t(data.length > 0 ? "devices.pairMore" : "home.pairFirst")}
    </Link>
  );
  return (
    <Page title={t("devices.title")} lead={t("devices.lead")} aside={data.length > 0 && pair}>
      {data.length === 0 ? (
        <Empty icon="devices" title={t("devices.none")}>
          <p>{t("devices.noneMore")}</p>
          {pair}
        </Empty>
      ) : (
        <Card>
          <ul className="list">
            {data.map((device) => (
              <DeviceRow key={device.fingerprint} device={device} />
            ))}
          </ul>
        </Card>
      )}
    </Page>
  );
}
