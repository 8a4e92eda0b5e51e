import type { PackageChange, UpdateOffer } from "../../api/model";
import { useWords } from "../../i18n/words";

/** What is offered: its version, and in which packages it differs from what runs. */
export function Offer({ offer }: { offer: UpdateOffer }) {
  const { t, many } = useWords();
  if (!offer.version) return <p role="status">{t("update.nothingNewer")}</p>;
  return (
    <div className="stack-tight">
      <strong>{t("update.offered", { version: offer.version })}</strong>
      <p className="small soft">
        {t("update.signedBy")} <span className="mono">{offer.signed_by.slice(-16)}</span>
      </p>
      {!offer.packages && <p>{t("update.packagesUnknown")}</p>}
      {offer.packages && (
        <details>
          <summary>{many("update.packages", offer.packages.length)}</summary>
          <div className="table-scroll">
            <table className="table">
              <thead>
                <tr>
                  <th scope="col">{t("update.package")}</th>
                  <th scope="col">{t("update.now")}</th>
                  <th scope="col">{t("update.then")}</th>
                </tr>
              </thead>
              <tbody>
                {offer.packages.map((change) => (
                  <PackageRow key={change.name} change={change} />
                ))}
              </tbody>
            </table>
          </div>
        </details>
      )}
    </div>
  );
}

const PackageRow = ({ change }: { change: PackageChange }) => (
  <tr>
    <td>{change.name}</td>
    <td>{change.from ?? "–"}</td>
    <td>{change.to ?? "–"}</td>
  </tr>
);
