import type { Manifest } from "../../model/manifest.ts";
import { numParams } from "../../model/manifest.ts";
import { densityOf } from "../../model/masks.ts";
import type { DeviceProfile, SubModel } from "../../model/submodel.ts";

/** What a report costs, as far as is known. */
export interface ReportCost {
  /** Bytes of a report for each coordinate that its client owns. */
  readonly bytesPerCoordinate: number;
  readonly reportDeadlineMs: number;
}

/**
 * The widest sub-model that a device has the memory for, and whose report takes its link at most half of the time that
 * there is for a report; the narrowest when none fits.
 */
export function fitting(
  device: DeviceProfile,
  subModels: readonly SubModel[],
  manifest: Manifest,
  { bytesPerCoordinate, reportDeadlineMs }: ReportCost,
): SubModel {
  const { memoryBytes = Infinity, uplinkBytesPerSecond = Infinity } = device;
  const fits = ({ masks, memoryBytes: needed }: SubModel): boolean => {
    const reportBytes = bytesPerCoordinate * densityOf(masks, manifest) * numParams(manifest);
    return needed <= memoryBytes && (1000 * reportBytes) / uplinkBytesPerSecond <= reportDeadlineMs / 2;
  };
  const widestFirst = subModels.toSorted((a, b) => b.width - a.width);
  return widestFirst.find(fits) ?? widestFirst.at(-1)!;
}
