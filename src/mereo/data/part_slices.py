"""PartSlices: one row of part classes for all objects; each object with parts has a slice of it, its rest first.

Xiao, Liu, Zhou, Jiang, Sun 2018, "Unified perceptual parsing for scene understanding", section 4: which part a pixel is
can only be asked within its object. What is none of an object's named parts is the "rest of the object", a class like
the others. Taxonomies know it in one of two ways:

- `has_rest`: their part 0 is "rest", and label maps hold it. A pixel without a part is unknown then.
- All others list named parts alone; what is left of an object is without a part in label maps, and in answers.
"""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from mereo.data.taxonomy import Taxonomy

NO_ENTRY = -1


@dataclass(frozen=True)
class PartSlices:
    """`owners` are the objects with parts, `parts` the named parts of each, all as indices of the taxonomy's tables.

    An entry is a place in the row: for owner 0 its rest and its parts in order, then for owner 1, and so on. `rest` is
    the part that stands for every rest, None where label maps have none.
    """

    owners: tuple[int, ...]
    parts: tuple[tuple[int, ...], ...]
    num_objects: int
    num_parts: int
    rest: int | None = None

    @property
    def num_entries(self) -> int:
        return len(self.owners) + sum(map(len, self.parts))

    @cached_property
    def spans(self) -> tuple[tuple[int, int], ...]:
        """Start and stop of each owner's slice."""
        spans, start = [], 0
        for parts in self.parts:
            spans.append((start, start + 1 + len(parts)))
            start = spans[-1][1]
        return tuple(spans)

    def names(self, taxonomy: Taxonomy) -> tuple[str, ...]:
        """
        >>> from mereo.data.taxonomy import LabelTable
        >>> taxonomy = Taxonomy("t", LabelTable(("sky", "car")), parts=LabelTable(("wheel",)), part_owners=(("car",),))
        >>> part_slices(taxonomy).names(taxonomy)
        ('car: rest', 'car: wheel')
        """
        part_names = () if taxonomy.parts is None else taxonomy.parts.names
        return tuple(
            f"{taxonomy.objects.names[owner]}: {name}"
            for owner, parts in zip(self.owners, self.parts)
            for name in ("rest", *(part_names[part] for part in parts))
        )

    @cached_property
    def part_of_entry(self) -> tuple[int | None, ...]:
        """The part of each entry; None for a rest that label maps do not hold."""
        return tuple(part for parts in self.parts for part in (self.rest, *parts))

    @cached_property
    def _entries_KP(self) -> Tensor:
        """One row an object and one for pixels without; one column a part and one for pixels without."""
        entries_KP = torch.full((self.num_objects + 1, self.num_parts + 1), NO_ENTRY)
        rest = self.num_parts if self.rest is None else self.rest
        for owner, parts, (start, stop) in zip(self.owners, self.parts, self.spans):
            entries_KP[owner, [rest, *parts]] = torch.arange(start, stop)
        return entries_KP

    @cached_property
    def _owner_of_entry(self) -> Tensor:
        return torch.cat([torch.full((stop - start,), at) for at, (start, stop) in enumerate(self.spans)])

    @cached_property
    def _is_named(self) -> Tensor:
        return torch.cat([torch.arange(stop - start) > 0 for start, stop in self.spans])

    def entries(self, semantic_BHW: Tensor, parts_BHW: Tensor) -> Tensor:
        """The entry of each pixel (int64); `NO_ENTRY` where its object has no parts, or not this one.

        Whatever lies outside of a table (its ignore index) is a pixel without an object, or without a named part.
        """
        device = semantic_BHW.device
        object_BHW = _inside_or(semantic_BHW, self.num_objects)
        part_BHW = _inside_or(parts_BHW, self.num_parts)
        return self._entries_KP.to(device)[object_BHW, part_BHW]

    def labels(self, semantic_BHW: Tensor, parts_BHW: Tensor) -> Tensor:
        """The true entry of each labelled pixel, `NO_ENTRY` elsewhere.

        Where label maps do not hold the rest, people name the parts of some objects and not of others. So an object
        counts in an image where at least one of its parts is named; its other pixels are its rest then. Elsewhere
        nothing is known of its parts.
        """
        entry_BHW = self.entries(semantic_BHW, parts_BHW)
        if self.rest is not None:
            return entry_BHW
        device, nobody = entry_BHW.device, len(self.owners)
        # A place more at the end of each look-up, which -1 finds.
        owner_E = torch.cat([self._owner_of_entry, torch.tensor([nobody])]).to(device)
        is_named_E = torch.cat([self._is_named, torch.tensor([False])]).to(device)
        owner_BP, is_named_BP = owner_E[entry_BHW].flatten(1), is_named_E[entry_BHW].flatten(1)
        image_BP = torch.arange(len(owner_BP), device=device)[:, None].expand_as(owner_BP)
        is_told_BO = torch.zeros(len(owner_BP), nobody + 1, dtype=torch.bool, device=device)
        is_told_BO[image_BP[is_named_BP], owner_BP[is_named_BP]] = True
        is_told_BHW = is_told_BO.gather(1, owner_BP).view_as(entry_BHW)
        return entry_BHW.masked_fill(~is_told_BHW, NO_ENTRY)


def part_slices(taxonomy: Taxonomy) -> PartSlices | None:
    """None for a taxonomy in which no object has parts."""
    rest = 0 if taxonomy.has_rest else None
    of_object = [taxonomy.part_indices_of(name) for name in taxonomy.object_names]
    owners = [index for index, parts in enumerate(of_object) if parts]
    if taxonomy.parts is None or not owners:
        return None
    return PartSlices(
        owners=tuple(owners),
        parts=tuple(tuple(part for part in of_object[owner] if part != rest) for owner in owners),
        num_objects=taxonomy.num_objects,
        num_parts=len(taxonomy.parts),
        rest=rest,
    )


def _inside_or(index_BHW: Tensor, outside: int) -> Tensor:
    index_BHW = index_BHW.long()
    return torch.where((index_BHW >= 0) & (index_BHW < outside), index_BHW, outside)
