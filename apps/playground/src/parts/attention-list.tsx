import type { AttentionGroup, AttentionList } from '../engine/attention-list.ts';

/** Attention of the files that somebody chose. */
export function AttentionLists({ lists }: { readonly lists: readonly AttentionList[] }) {
  return (
    <>
      {lists.map((list) => (
        <section class="attention-list" key={list.file} aria-label={`Attention in ${list.file}`}>
          <h2>
            {list.file}
            {list.kind !== null && <small> {list.kind}</small>}
          </h2>
          {list.groups.length === 0 ? (
            <p>No attention found: none of its tensors is named like a projection of queries.</p>
          ) : (
            <>
              <p>{summaryOf(list.groups)}</p>
              <div class="scroll" tabIndex={0} role="group" aria-label={`Table of ${list.file}`}>
                <table>
                  <thead>
                    <tr>
                      <th scope="col">Attention</th>
                      <th scope="col">Layers</th>
                      <th scope="col">Heads</th>
                      <th scope="col">Key/value heads</th>
                      <th scope="col">Width of a head</th>
                    </tr>
                  </thead>
                  <tbody>
                    {list.groups.map((group) => (
                      <tr key={JSON.stringify(group)}>
                        <th scope="row">{group.name}</th>
                        <td>{group.layers}</td>
                        <td>{group.heads ?? '?'}</td>
                        <td>{group.kvHeads ?? '?'}</td>
                        <td>{group.headDim ?? '?'}</td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              </div>
              {list.groups.some(({ heads }) => heads === null) && <p class="quiet">{hintOf(list.groups)}</p>}
            </>
          )}
        </section>
      ))}
    </>
  );
}

function summaryOf(groups: readonly AttentionGroup[]): string {
  const layers = groups.reduce((sum, group) => sum + group.layers, 0);
  const places = `${layers} ${layers === 1 ? 'layer' : 'layers'} of attention`;
  if (groups.some(({ heads }) => heads === null)) return `${places}.`;
  return `${places}, ${groups.reduce((sum, group) => sum + group.layers * group.heads!, 0)} heads in all.`;
}

function hintOf(groups: readonly AttentionGroup[]): string {
  const { width } = groups.find(({ heads }) => heads === null)!;
  const example =
    width === null || width % 64 !== 0 ? '' : ` With 64 for each, ${width} would be ${width / 64}.`;
  return `The weights do not say how many heads there are. Add config.json, which does.${example}`;
}
