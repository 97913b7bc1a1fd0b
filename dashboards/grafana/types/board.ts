// What the JSON of a board may be, after the types of Grafana's own SDK.
import type { Dashboard, DataSourceRef, FieldConfigSource, Panel } from '@grafana/grafana-foundation-sdk/dashboard';
import type * as barchart from '@grafana/grafana-foundation-sdk/barchart';
import type * as heatmap from '@grafana/grafana-foundation-sdk/heatmap';
import type * as piechart from '@grafana/grafana-foundation-sdk/piechart';
import type * as stat from '@grafana/grafana-foundation-sdk/stat';
import type * as table from '@grafana/grafana-foundation-sdk/table';
import type * as text from '@grafana/grafana-foundation-sdk/text';
import type * as timeseries from '@grafana/grafana-foundation-sdk/timeseries';

// The SDK has enumerations where JSON has their values.
type Plain<T> = 0 extends 1 & T ? any
  : T extends boolean | null | undefined ? T
  : T extends string ? (string extends T ? string : `${T}`)
  : T extends number ? T
  : T extends (infer U)[] ? Plain<U>[]
  : T extends object ? { [K in keyof T]: Plain<T[K]> }
  : T;

// Of the options of a panel Grafana fills in those that are left out.
type Filled<T> = T extends (infer U)[] ? Filled<U>[] : T extends object ? { [K in keyof T]?: Filled<T[K]> } : T;

// A query is the data source's own: that of ClickHouse is not in the SDK.
interface Query {
  refId: string;
  datasource: Plain<DataSourceRef>;
  editorType: 'sql';
  format: number;
  queryType: 'table' | 'timeseries';
  rawSql: string;
  pluginVersion: string;
}

type Source = Plain<FieldConfigSource>;
type Fields<Custom> = Omit<Source, 'defaults'> & { defaults: Omit<Source['defaults'], 'custom'> & { custom?: Filled<Plain<Custom>> } };
type Of<Type extends string, Options, Custom> = Omit<Plain<Panel>, 'type' | 'targets' | 'options' | 'fieldConfig'> & {
  type: Type;
  targets?: Query[];
  options: Filled<Plain<Options>>;
  fieldConfig: Fields<Custom>;
};
type None = Record<string, never>;

type Drawn =
  | Of<'barchart', barchart.Options, barchart.FieldConfig>
  | Of<'heatmap', heatmap.Options, heatmap.FieldConfig>
  | Of<'piechart', piechart.Options, piechart.FieldConfig>
  | Of<'stat', stat.Options, None>
  | Of<'table', table.Options, table.FieldConfig>
  | Of<'text', text.Options, None>
  | Of<'timeseries', timeseries.Options, timeseries.FieldConfig>;

type Annotations = Plain<Dashboard['annotations']>;
type Annotation = Omit<NonNullable<Annotations['list']>[number], 'target'> & { target: Query };

export type Board = Omit<Plain<Dashboard>, 'panels' | 'annotations'> & { panels: Drawn[]; annotations: { list: Annotation[] } };
